import type { Io } from '../../effects/io.ts'
import { type FedTool, feedInto } from '../../effects/spawn.ts'
import { exitCode, Failure } from '../../failure.ts'
import type { BackupContent } from '../engine.ts'
import { type Program, readsDollarQuotes } from './client.ts'
import { clientEnvironment } from './client-environment.ts'
import { redacted } from './connect-failure.ts'
import { trustStatement } from './definition-rights.ts'
import { type LoadChanges, LoadFilter, type LoadFilterOptions } from './load-filter.ts'
import { type Access, writeOptionsFile } from './options-file.ts'
import { liftGrant } from './restrictions.ts'

export type LoadRequest = {
  readonly io: Io
  readonly access: Access
  readonly program: Program
  readonly database: string
  /** As the server calls it: `app@%`. */
  readonly account: string
  readonly content: BackupContent
  readonly filter: Omit<LoadFilterOptions, 'sandbox' | 'dollarQuotes'>
}

/** What the loading client is started with. Binary mode: bytes stay as they are, and no command of the client is run. */
export function loadArguments(optionsFile: string, database: string): readonly string[] {
  return [
    `--defaults-file=${optionsFile}`,
    '--binary-mode',
    '--batch',
    '--default-character-set=utf8mb4',
    '--max-allowed-packet=1G',
    '--',
    database,
  ]
}

/** Feeds a dump to the client. Throws a `Failure` (40) with what the client said. */
export async function load(request: LoadRequest): Promise<LoadChanges> {
  const { io, access, program, database } = request
  const optionsFile = await writeOptionsFile(access, program)
  try {
    const tool = feedInto(io, program.path, {
      arguments: loadArguments(optionsFile.path, database),
      environment: clientEnvironment(io.environment),
    })
    return await fed(request, tool)
  } finally {
    await optionsFile.remove()
  }
}

async function fed(request: LoadRequest, tool: FedTool): Promise<LoadChanges> {
  const { program } = request
  const reads = { sandbox: readsSandboxLine(program), dollarQuotes: readsDollarQuotes(program) }
  const filter = new LoadFilter({ ...request.filter, ...reads })
  try {
    await feed(request.content, filter, tool)
  } catch (error) {
    tool.kill() // it must not take the half for the whole
    await tool.end()
    throw error
  }
  const end = await tool.end()
  request.io.signal.throwIfAborted()
  if (end.exitCode !== 0) throw loadFailure(request, end.stderr, end.exitCode ?? end.signal)
  return filter.changes()
}

async function feed(content: BackupContent, filter: LoadFilter, tool: FedTool): Promise<void> {
  let reading = await tool.write(filter.start())
  for await (const chunk of content()) {
    if (!reading) return
    const bytes = filter.write(chunk)
    if (bytes.length > 0) reading = await tool.write(bytes)
  }
  if (reading) await tool.write(filter.end())
}

// 10.5.25, 10.6.18, 10.11.8, 11.0.6, 11.1.5, 11.2.4, 11.4.2: the versions that brought it.
const sandboxSince: Readonly<Record<string, number>> = {
  '10.5': 25,
  '10.6': 18,
  '10.11': 8,
  '11.0': 6,
  '11.1': 5,
  '11.2': 4,
  '11.4': 2,
}

/** Whether the client knows the line `/*M!999999\- enable the sandbox mode *\/`. */
export function readsSandboxLine(program: Pick<Program, 'flavour' | 'version'>): boolean {
  if (program.flavour !== 'mariadb') return false
  const [major = 0, minor = 0, patch = 0] = program.version.split('.').map(Number)
  return (
    patch >=
    (sandboxSince[`${major}.${minor}`] ?? (major > 11 || (major === 11 && minor > 4) ? 0 : Number.POSITIVE_INFINITY))
  )
}

function loadFailure(request: LoadRequest, stderr: string, end: number | string | null): Failure {
  // Between its lines of dashes the client repeats the statement, and with it the data.
  const said = stderr.split('\n').filter((line) => /^(?:ERROR|error|mysql:|mariadb:)/.test(line))
  return new Failure(exitCode.restoreFailed, {
    what: `${request.program.name} could not load the backup (it ended with ${end ?? 'no exit code'})`,
    why: said.map((line) => redacted(line, request.access.target)).slice(0, 10),
    next: [
      ...(said.some((line) => line.includes('1419')) ? [trustStatement] : []),
      ...(said.some((line) => /^ERROR (?:3750|6125)\b/.test(line)) ? [liftGrant(request.account)] : []),
      'correct what the server said, then run it again',
    ],
  })
}
