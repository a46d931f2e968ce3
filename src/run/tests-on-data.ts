import { join, relative } from 'node:path'
import { totalRows } from '../backup/manifest.ts'
import type { Protected } from '../backup/prepare.ts'
import type { Io } from '../effects/io.ts'
import { askChoice, type Choice } from '../effects/prompt.ts'
import { onOneLine } from '../effects/terminal.ts'
import { counted } from '../effects/units.ts'
import type { TableRows } from '../engines/engine.ts'
import { exitCode, Failure, messageOf } from '../failure.ts'
import { ChosenInstead, type Guarded } from '../guard.ts'
import type { Invocation } from '../invocation.ts'
import { projectFileName, rememberTestDatabase } from '../project-file.ts'
import { shellWords } from '../shell-words.ts'
import { type Candidate, optionsFor } from '../target/resolve.ts'
import { shortName, urlOf } from '../target/target.ts'
import { isForTests, isRemembered, rememberedAs } from '../target/test-database.ts'

/**
 * Before tests run on a database that holds data and that nothing says is for tests: asks, or warns where nobody is asked. The backup
 * is made by then, so what it holds costs nothing to know. Throws a `Failure` (20), or `ChosenInstead`.
 */
export async function askBeforeTests(
  io: Io,
  invocation: Invocation,
  { backups, guarded }: { readonly backups: readonly Protected[]; readonly guarded: Guarded },
): Promise<void> {
  const { options, root } = invocation
  const candidates = backups.map(({ candidate }) => candidate)
  for (const { candidate, tables } of backups.map(withData)) {
    // Production took its name already, which says more.
    if (tables.length === 0 || guarded.evidenceOf(candidate).length > 0 || isForTests(candidate)) continue
    if (isRemembered(candidate.target, options.testDatabases, root)) continue
    const text = warning(candidate, tables)
    invocation.operation.notes.push(text)
    io.terminal.warn(io.terminal.style('yellow', text))
    if (io.terminal.interactive && !options.yes) await ask(io, invocation, candidate, candidates)
    else io.terminal.warn(`  If it is, say so in ${fileOf(io, root)}: ${entryFor(candidate, root)}`)
  }
}

// What migrations note of themselves is no data.
const bookkeeping =
  /^(?:.*migrations?(?:_lock|_versions)?|sequelizemeta|alembic_version|ar_internal_metadata|flyway_schema_history|databasechangelog(?:lock)?|goose_db_version|phinxlog)$/

function withData({ candidate, outcome }: Protected): {
  readonly candidate: Candidate
  readonly tables: readonly TableRows[]
} {
  if ('nothing' in outcome) return { candidate, tables: [] }
  const isData = ({ name, rows }: TableRows) => rows > 0 && !bookkeeping.test(bareName(name))
  return { candidate, tables: outcome.backup.manifest.tables.filter(isData) }
}

function bareName(table: string): string {
  return (table.split('.').at(-1) ?? table).replaceAll('"', '').replaceAll('`', '').toLowerCase()
}

function warning({ target }: Candidate, tables: readonly TableRows[]): string {
  const data = `${counted(totalRows(tables), 'row')} in ${counted(tables.length, 'table')}`
  return `Tests often empty the database that they are given: ${urlOf(target)} holds ${data}, and nothing says that it is for tests.`
}

function entryFor({ target }: Candidate, root: string): string {
  return `{ "testDatabases": [${JSON.stringify(rememberedAs(target, root))}] }`
}

function fileOf(io: Io, root: string): string {
  return relative(io.cwd, join(root, projectFileName))
}

type Way = 'cancel' | 'instead' | 'once' | 'remember'

async function ask(io: Io, { root }: Invocation, candidate: Candidate, all: readonly Candidate[]): Promise<void> {
  const options = insteadOf(candidate, all)
  const way = await askChoice<Way>(io, `Run them on ${onOneLine(shortName(candidate.target))}?`, [
    { title: 'Cancel', value: 'cancel' },
    ...(options === undefined ? [] : [insteadChoice(options)]),
    { title: 'Run them', value: 'once' },
    { title: `Run them, and remember that it is for tests (${fileOf(io, root)})`, value: 'remember' },
  ])
  if (way === 'instead' && options !== undefined) throw new ChosenInstead(options.files)
  if (way === 'remember') await remember(io, candidate, root)
  else if (way !== 'once') throw new Failure(exitCode.refused, { what: 'Cancelled: nothing was run; the backup stays' })
}

type Instead = { readonly candidate: Candidate; readonly files: readonly string[]; readonly words: readonly string[] }

function insteadOf(candidate: Candidate, all: readonly Candidate[]): Instead | undefined {
  return all
    .filter((other) => other !== candidate && isForTests(other))
    .map((other) => ({ candidate: other, files: other.files, words: optionsFor(other, all) }))
    .find(({ words }) => words[0] === '--env-file')
}

function insteadChoice({ candidate, words }: Instead): Choice<Way> {
  const options = shellWords([...words, '--pin'])
  return { title: `Use ${onOneLine(shortName(candidate.target))} instead, as with ${options}`, value: 'instead' }
}

// It was allowed: that it cannot be noted must not keep the tests from running.
async function remember(io: Io, { target }: Candidate, root: string): Promise<void> {
  try {
    await rememberTestDatabase(root, rememberedAs(target, root))
    io.terminal.say(`Noted in ${fileOf(io, root)}: it is not asked again.`)
  } catch (error) {
    io.terminal.warn(`${fileOf(io, root)} could not be written (${messageOf(error)}): it will be asked again.`)
  }
}
