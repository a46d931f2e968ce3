import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type CommandDefinition, optionsOf } from '../src/command.ts'
import { exitCode, wrapperExitCode } from '../src/failure.ts'
import { commands } from '../src/main.ts'
import { type OptionName, optionDefinitions } from '../src/options.ts'

// `bun scripts/readme.ts` writes the tables of README.md anew, from the code; a test holds that they are up to date.
const path = join(import.meta.dirname, '../README.md')

/** The README with its tables as the code has them now. Throws when a table has no place in it. */
export async function withTables(readme: string): Promise<string> {
  let text = readme
  for (const [name, table] of await tables()) text = replaceBlock(text, name, table)
  return text
}

function replaceBlock(text: string, name: string, table: string): string {
  const block = new RegExp(`<!-- ${name}: from the code -->\n[^]*?<!-- end -->`)
  if (!block.test(text)) throw new Error(`README.md has no place for the table "${name}"`)
  return text.replace(block, () => `<!-- ${name}: from the code -->\n\n${table}\n\n<!-- end -->`)
}

async function tables(): Promise<readonly (readonly [string, string])[]> {
  const loaded = await Promise.all(Object.values(commands).map((load) => load()))
  const definitions = loaded.map(({ default: definition }) => definition)
  return [
    ['commands', commandTable(definitions)],
    ['options', optionTable(definitions)],
    ['exit codes', codeTable(exitCode, meanings)],
    ['wrapper exit codes', codeTable(wrapperExitCode, wrapperMeanings)],
  ]
}

function commandTable(definitions: readonly CommandDefinition[]): string {
  const rows = definitions.map(({ name, words, summary }) => [code([name, words].join(' ').trim()), summary])
  return markdown(['command', 'what it does'], rows)
}

function optionTable(definitions: readonly CommandDefinition[]): string {
  const names = Object.keys(optionDefinitions) as OptionName[]
  const rows = names.map((name) => {
    const { flag, variable, inFile, help } = optionDefinitions[name]
    const users = definitions.filter((definition) => optionsOf(definition).includes(name))
    const who = users.length === definitions.length ? 'all' : users.map((user) => shortOf(user.name)).join(', ')
    return [codeOf(flag), codeOf(variable), inFile === true ? code(name) : '', help, who]
  })
  return markdown(['option', 'variable', '`seatbelt.json`', 'meaning', 'commands'], rows)
}

/** `backup-database` → `backup`, `safe-test` → `safe-test`: the table stays narrow. */
function shortOf(name: string): string {
  return name.replace(/-database$/, '')
}

const meanings: Readonly<Record<keyof typeof exitCode, string>> = {
  done: 'done',
  unexpected: 'unexpected: a bug; the message says how to report it',
  usage: 'usage: unknown option, bad value, bad configuration file, no such backup',
  noTarget: 'no database is named anywhere, or candidates differ and one must be chosen, or a backup is of another one',
  cannotConnect: 'cannot connect, nothing there to back up, or the client tool is missing or unfit',
  refused: 'refused: production without consent, or no confirmation',
  dumpFailed: 'the dump failed; nothing was kept, nothing was rotated',
  backupNotWhole: 'the backup is not whole, or does not match its manifest',
  restoreFailed: 'the restore failed; the database is as it was before',
  busy: 'another operation holds this database',
  interrupted: 'interrupted (SIGINT)',
  terminated: 'interrupted (SIGTERM)',
}

const wrapperMeanings: Readonly<Record<keyof typeof wrapperExitCode, string>> = {
  loss: 'the command said 0, and rows, a table or a column are gone, or nobody could find out; only with `--fail-on-loss`',
  stopped: 'we stopped before the command was started; the report has the code of the table above',
  cannotExecute: 'the command cannot be executed; found out before any backup',
  notFound: 'the command was not found; found out before any backup',
}

function codeTable<K extends string>(codes: Readonly<Record<K, number>>, texts: Readonly<Record<K, string>>): string {
  const names = Object.keys(codes) as K[]
  const rows = names.map((name) => [`${codes[name]}`, texts[name]])
  return markdown(['code', 'meaning'], rows)
}

function codeOf(text: string | undefined): string {
  return text === undefined ? '' : code(text)
}

function code(text: string): string {
  return `\`${text.replaceAll('|', '\\|')}\``
}

function markdown(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const all = [head, head.map(() => '---'), ...rows]
  return all.map((cells) => `| ${cells.join(' | ')} |`).join('\n')
}

if (import.meta.main) await writeFile(path, await withTables(await readFile(path, 'utf8')))
