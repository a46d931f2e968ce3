import { mkdirSync, mkdtempSync, realpathSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, relative } from 'node:path'
import { parse } from 'shell-quote'
import type { Environment } from '../../src/effects/io.ts'
import type { Call } from '../../src/frameworks/framework.ts'
import { seeThrough } from '../../src/frameworks/see-through.ts'

/** A folder with these files, text by path; a package.json is given by its scripts. */
export function project(files: Readonly<Record<string, string | object>>): string {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'seen-through-')))
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    writeFileSync(join(folder, path), typeof content === 'string' ? content : JSON.stringify(content))
  }
  return folder
}

/** What lies behind a command: a line for each call, with what its environment, folder and files differ in; `?` for opaque ones. */
export async function seen(command: string, folder: string, environment: Environment = {}): Promise<readonly string[]> {
  const words = parse(command, (name) => `$${name}`).map(String)
  const { calls, opaque } = await seeThrough(words, folder, environment)
  return [...calls.map((call) => lineOf(call, folder, environment)), ...opaque.map((because) => `? ${because}`)]
}

function lineOf({ words, cwd, environment, envFiles }: Call, folder: string, outer: Environment): string {
  const names = [...new Set([...Object.keys(environment), ...Object.keys(outer)])].toSorted()
  const changed = names.filter((name) => environment[name] !== outer[name])
  const assigned = changed.map((name) =>
    environment[name] === undefined ? `-${name}` : `${name}=${environment[name]}`,
  )
  const place = cwd === folder ? [] : [`in ${relative(folder, cwd)}:`]
  const files = envFiles.length === 0 ? [] : [`[${envFiles.join(' ')}]`]
  return [...place, ...assigned, ...files, ...words].join(' ')
}
