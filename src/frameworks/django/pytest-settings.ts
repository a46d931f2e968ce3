import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import type { Call } from '../framework.ts'
import { valuesOf } from '../options-in-words.ts'
import { parseIni } from '../python/ini-file.ts'
import { ancestors } from '../python/interpreter.ts'

type Options = ReadonlyMap<string, string>

/** What pytest's configuration says of Django; undefined when nothing does. */
export type PytestSettings = {
  readonly module: string
  readonly environment: Readonly<Record<string, string>>
  readonly paths: readonly string[]
  /** Fixtures of a conftest.py that lead tests to another database. */
  readonly overridden?: string
}

/**
 * The settings module of a pytest run by pytest-django's documented order ("Configuring Django settings"): `--ds`, the
 * variable, the ini file. Its folders are those that pytest and pytest-django put in front of `sys.path`.
 */
export function pytestSettings(call: Call): PytestSettings | undefined {
  const { folder, options } = iniFor(call)
  const words = [...(options.get('addopts') ?? '').split(/\s+/), ...call.words.slice(1)]
  const environment = pytestEnv(options, call)
  const variable = call.environment['DJANGO_SETTINGS_MODULE'] || environment['DJANGO_SETTINGS_MODULE']
  const module = valuesOf(words, ['--ds']).at(-1) || variable || options.get('DJANGO_SETTINGS_MODULE')
  if (module === undefined || module === '') return undefined
  const own = (options.get('pythonpath') ?? '').split(/\s+/).filter((path) => path !== '')
  const paths = [...own.map((path) => resolve(folder, path)), ...projectFolders(folder, options), folder, call.cwd]
  const overridden = overridingFixtures(folder)
  return { module, environment, paths: [...new Set(paths)], ...(overridden === undefined ? {} : { overridden }) }
}

/** pytest's inifile: `-c`, else the first in the folders upwards that has its section (pytest's reference, "Finding the rootdir"). */
function iniFor(call: Call): { readonly folder: string; readonly options: Options } {
  const given = valuesOf(call.words, ['-c', '--config-file']).at(-1)
  if (given !== undefined) {
    const path = resolve(call.cwd, given)
    return { folder: dirname(path), options: optionsOf(path) ?? new Map() }
  }
  for (const folder of ancestors(startOf(call))) {
    for (const name of ['pytest.ini', '.pytest.ini', 'pyproject.toml', 'tox.ini', 'setup.cfg']) {
      const options = optionsOf(join(folder, name))
      if (options !== undefined) return { folder, options }
    }
  }
  return { folder: call.cwd, options: new Map() }
}

function startOf(call: Call): string {
  const path = call.words
    .slice(1)
    .find((word) => !word.startsWith('-') && existsSync(resolve(call.cwd, word.split('::')[0] ?? '')))
  if (path === undefined) return call.cwd
  const found = resolve(call.cwd, path.split('::')[0] ?? '')
  return statSync(found).isDirectory() ? found : dirname(found)
}

function optionsOf(path: string): Options | undefined {
  const text = textOf(path)
  if (text === undefined) return undefined
  if (path.endsWith('.toml')) return tomlOptions(text)
  const section = parseIni(text).get(path.endsWith('setup.cfg') ? 'tool:pytest' : 'pytest')
  return section ?? (/pytest\.ini$/.test(path) ? new Map() : undefined)
}

function textOf(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}

function tomlOptions(text: string): Options | undefined {
  try {
    const content = Bun.TOML.parse(text) as { tool?: { pytest?: { ini_options?: Record<string, unknown> } } }
    const options = content.tool?.pytest?.ini_options
    if (options === undefined) return undefined
    return new Map(
      Object.entries(options).map(([key, value]) => [key, Array.isArray(value) ? value.join('\n') : String(value)]),
    )
  } catch {
    return undefined
  }
}

// pytest-env: NAME=value lines; `D:` only where the variable is not set, `R:` as it is.
function pytestEnv(options: Options, { environment }: Call): Record<string, string> {
  const lines = (options.get('env') ?? '')
    .split('\n')
    .flatMap((line) => /^((?:[DR]:)*)\s*(\w+)\s*=\s*(.*)$/.exec(line.trim()) ?? [])
  const found: Record<string, string> = {}
  for (let at = 0; at + 3 < lines.length; at += 4) {
    const [flags = '', name = '', value = ''] = lines.slice(at + 1, at + 4)
    if (!flags.includes('D:') || environment[name] === undefined) found[name] = value
  }
  return found
}

// django_find_project: the folder of manage.py, the root itself or one right in it.
function projectFolders(folder: string, options: Options): readonly string[] {
  if (options.get('django_find_project') === 'false') return []
  const inside = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isDirectory())
  const folders = [folder, ...inside.map((entry) => join(folder, entry.name))]
  return folders.filter((candidate) => existsSync(join(candidate, 'manage.py'))).slice(0, 1)
}

// pytest-django's "Using an existing, external database for tests" and its like.
function overridingFixtures(folder: string): string | undefined {
  const inside = readdirSync(folder, { withFileTypes: true }).filter(
    (entry) => entry.isDirectory() && !/^(\.|node_modules)/.test(entry.name),
  )
  const files = ['conftest.py', ...inside.map((entry) => join(entry.name, 'conftest.py'))]
  return files.find((file) =>
    /def\s+django_db_(setup|modify_db_settings)\b|DATABASES|os\.environ|settings\.configure/.test(
      textOf(join(folder, file)) ?? '',
    ),
  )
}
