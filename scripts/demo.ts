import { mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { styleText } from 'node:util'
import { $ } from 'zx'
import { type Content, createShop, migration, readContent } from './demo/shop.ts'

// `npm run demo`: a migration destroys half a shop, and restore-database brings it back. Ends with 1 when it does not.
const reportName = 'report.json'
const root = join(import.meta.dirname, '..')
const color = process.stdout.isTTY === true && !process.env['NO_COLOR']

async function demo(project: string): Promise<void> {
  const database = join(project, 'shop.sqlite')
  say('A project: its .env names a SQLite database, and migrate.ts is about to change it.')
  await furnish(project)
  await show(project, 'cat .env migrate.ts')
  const before = readContent(database)

  say('The migration, with safe-migrate in front of it.')
  await show(project, './bin/safe-migrate bun migrate.ts')
  const destroyed = readContent(database)
  const wayBack = await wayBackIn(project)

  say('The migration ended with 0, and this is what it destroyed.')
  process.stdout.write(comparison(before, destroyed, 'after migrate'))
  require(lostRows(before, destroyed) > 1_000, 'the migration was to destroy data, and it destroyed none')

  say('The way back, as safe-migrate said (--yes answers the question, since nobody is here to be asked).')
  await show(project, './bin/restore-database')
  await show(project, wayBack.replace('restore-database', 'restore-database --yes'))
  const after = readContent(database)

  say('The proof: every table, row by row and value by value, against what was there before.')
  process.stdout.write(comparison(before, after, 'after restore'))
  require(lostRows(before, after) === 0 && sameRows(before, after), 'the restored rows are not the ones of before')
  require(before.schema === after.schema, 'the restored schema is not the one of before')
}

async function furnish(project: string): Promise<void> {
  createShop(join(project, 'shop.sqlite'))
  await writeFile(join(project, '.env'), 'DB_CONNECTION=sqlite\nDB_DATABASE=shop.sqlite\n')
  await writeFile(join(project, 'migrate.ts'), migration)
  await symlink(join(root, 'bin'), join(project, 'bin'))
}

function say(text: string): void {
  process.stdout.write(`\n${color ? styleText('bold', text, { validateStream: false }) : text}\n\n`)
}

/** Runs a command line as a person would, on the terminal that we have. Throws when it does not end with 0. */
async function show(project: string, line: string): Promise<void> {
  process.stdout.write(`$ ${line}\n`)
  // Both streams in one, so that a pipe shows them in their order too.
  const shell = $({ cwd: project, env: environment(), stdio: ['ignore', 'inherit', 'inherit'] })
  const { exitCode } = await shell`sh -c ${`${line} 2>&1`}`.nothrow()
  require(exitCode === 0, `\`${line}\` ended with ${exitCode}`)
  process.stdout.write('\n')
}

/** Nothing of the caller's that names a database, or says production, may reach the demo. */
function environment(): Record<string, string | undefined> {
  const { HOME, LANG, TERM, TZ, TMPDIR, NO_COLOR, PATH = '' } = process.env
  const path = [join(root, 'node_modules/.bin'), PATH].join(delimiter)
  return { HOME, LANG, TERM, TZ, TMPDIR, NO_COLOR, PATH: path, SEATBELT_REPORT: reportName }
}

/** The command that safe-migrate said brings the data back, from its report. */
async function wayBackIn(project: string): Promise<string> {
  const { wayBack } = JSON.parse(await readFile(join(project, reportName), 'utf8')) as { wayBack: readonly string[] }
  require(wayBack.length === 1, `safe-migrate was to say one way back, and said ${wayBack.length}`)
  return wayBack[0] as string
}

function comparison(before: Content, now: Content, heading: string): string {
  const lines = [...before.rows].map(([table, rows]) => {
    const present = now.rows.get(table) ?? []
    const verdict = same(rows, present) ? 'the same' : `${lost(rows, present)} rows lost or changed`
    return [table, String(rows.length), String(present.length), verdict] as const
  })
  const table = [['table', 'before', heading, ''] as const, ...lines]
  return table
    .map(([a, b, c, d]) => `  ${a.padEnd(12)} ${b.padStart(7)} ${c.padStart(14)}   ${d}`.trimEnd())
    .join('\n')
    .concat('\n')
}

function same(rows: readonly string[], others: readonly string[]): boolean {
  return rows.length === others.length && rows.every((row, index) => row === others[index])
}

function sameRows(before: Content, now: Content): boolean {
  return (
    before.rows.size === now.rows.size && [...before.rows].every(([name, rows]) => same(rows, now.rows.get(name) ?? []))
  )
}

function lost(rows: readonly string[], present: readonly string[]): number {
  const there = new Set(present)
  return rows.filter((row) => !there.has(row)).length
}

function lostRows(before: Content, now: Content): number {
  return [...before.rows].reduce((sum, [name, rows]) => sum + lost(rows, now.rows.get(name) ?? []), 0)
}

function require(holds: boolean, problem: string): asserts holds {
  if (!holds) throw new Error(problem)
}

// Ctrl-C ends the command that runs, and that ends us, with the folder removed.
process.on('SIGINT', () => undefined)
const project = await mkdtemp(join(tmpdir(), 'seatbelt-demo-'))
try {
  await demo(project)
  say('Every row is back.')
} catch (error) {
  process.stderr.write(`\nThe demo failed: ${error instanceof Error ? error.message : String(error)}\n`)
  process.exitCode = 1
} finally {
  await rm(project, { recursive: true, force: true })
}
