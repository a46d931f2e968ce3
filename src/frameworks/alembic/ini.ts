import { readFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import type { Call } from '../framework.ts'
import { valuesOf } from '../options-in-words.ts'
import { parseIni } from '../python/ini-file.ts'

/** What alembic.ini says, where env.py could not be asked. */
export type IniReading = {
  /** As it was named. */
  readonly file: string
  readonly section: string
  readonly url: string | undefined
  /** env.py is the template's own: it takes the URL of the section and nothing else. */
  readonly untouched: boolean
}

/** Alembic's own order (its tutorial and Config): `-c`, ALEMBIC_CONFIG, alembic.ini; the section of `-n`, else [alembic]. */
export function readIni({ words, cwd, environment }: Call): IniReading | undefined {
  const file = valuesOf(words, ['-c', '--config']).at(-1) ?? (environment['ALEMBIC_CONFIG'] || 'alembic.ini')
  const section = valuesOf(words, ['-n', '--name']).at(-1) ?? 'alembic'
  const path = resolve(cwd, file)
  const text = textOf(path)
  if (text === undefined) return undefined
  const ini = parseIni(text)
  const read = (key: string) =>
    interpolated(key, new Map([...(ini.get('DEFAULT') ?? []), ...(ini.get(section) ?? [])]), dirname(path))
  const location = read('script_location')
  const environmentFile = location === undefined ? undefined : textOf(join(resolve(cwd, location), 'env.py'))
  return {
    file,
    section,
    url: read('sqlalchemy.url'),
    untouched: environmentFile !== undefined && isTemplate(environmentFile),
  }
}

function textOf(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}

// configparser's basic interpolation, with the `here` that Alembic gives it.
function interpolated(key: string, section: ReadonlyMap<string, string>, here: string, depth = 0): string | undefined {
  const value = section.get(key)
  if (value === undefined || depth > 10) return undefined
  const parts = value
    .split('%%')
    .map((part) =>
      part.replace(/%\(([^)]+)\)s/g, (_, name: string) =>
        name === 'here' ? here : (interpolated(name, section, here, depth + 1) ?? ''),
      ),
    )
  return parts.join('%')
}

function isTemplate(environmentFile: string): boolean {
  const code = environmentFile.replace(/#.*$/gm, '')
  const usual = /engine_from_config\(\s*config\.get_section\(\s*config\.config_ini_section/.test(code)
  return (
    usual &&
    !/set_main_option|set_section_option|environ|getenv|get_x_argument|create_engine\b|dotenv|settings/.test(code)
  )
}
