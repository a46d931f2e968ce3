import { Command, CommanderError, Option } from 'commander'
import { releaseInUse } from './backup/in-use.ts'
import { explain } from './effects/explain.ts'
import { writeSynced } from './effects/files.ts'
import { type Interruption, openInterruption } from './effects/interruption.ts'
import type { Io } from './effects/io.ts'
import { openTerminal, type Terminal } from './effects/terminal.ts'
import { CannotStart, exitCode, Failure, messageOf, wrapperExitCode } from './failure.ts'
import { ChosenInstead } from './guard.ts'
import type { Invocation } from './invocation.ts'
import { writeJournal } from './journal/journal.ts'
import { beginOperation, commandCode, documentOf, type Operation } from './operation.ts'
import { type OptionName, type Options, optionDefinitions, type RawOptions, resolveOptions } from './options.ts'
import { type ProjectFile, readProjectFile } from './project-file.ts'
import { inherited } from './run/inherited.ts'
import { callFor } from './shell-words.ts'
import { toolVersion } from './version.ts'

export type CommandDefinition = {
  readonly name: string
  readonly summary: string
  /** What follows the options in the usage line. */
  readonly words: '' | '[backup]' | '<command...>' | '[-- command...]'
  /** Runs the user's command: ends with that command's own exit code. */
  readonly wraps: boolean
  readonly options: readonly OptionName[]
  readonly examples: readonly string[]
  /** The steps; returns the exit code. */
  readonly run: (io: Io, invocation: Invocation) => Promise<number>
}

export function defineCommand(definition: CommandDefinition): CommandDefinition {
  return definition
}

const always: readonly OptionName[] = ['quiet', 'verbose', 'color']

/** The options of a command, its own first. */
export function optionsOf(definition: CommandDefinition): readonly OptionName[] {
  return [...definition.options, ...always]
}

/** The parser of a command, which also writes its help. */
export function parserOf(definition: CommandDefinition): Command {
  const parser = new Command(definition.name)
    .description(definition.summary)
    .usage(['[options]', definition.words].filter((part) => part !== '').join(' '))
    .version(toolVersion, '--version', 'print the version')
    .helpOption('--help', 'print this (--help-all: every option)')
    .argument('[words...]')
    .exitOverride()
    .configureOutput({ writeErr: () => undefined })
    .configureHelp({ visibleArguments: () => [] })
    .addHelpText('after', examplesText(definition))
  for (const name of optionsOf(definition)) addOption(parser, name)
  parser.addOption(new Option('--help-all', 'print every option').hideHelp())
  parser.on('option:help-all', () => printWholeHelp(parser))
  return definition.wraps ? parser.passThroughOptions() : parser
}

function addOption(parser: Command, name: OptionName): void {
  const { flag, help, repeatable, rare } = optionDefinitions[name]
  if (flag === undefined) return
  const option = new Option(flag, help).hideHelp(rare === true)
  if (repeatable === true) option.argParser((value, before: readonly string[] = []) => [...before, value])
  parser.addOption(option)
}

function printWholeHelp(parser: Command): never {
  for (const option of parser.options) option.hideHelp(false)
  return parser.help()
}

function examplesText({ examples }: CommandDefinition): string {
  return `\n${examples.length === 1 ? 'Example' : 'Examples'}:\n${examples.map((line) => `  ${line}`).join('\n')}`
}

/** Runs a command from its arguments to its exit code; the one place that catches. Never throws. */
export async function runCommand(definition: CommandDefinition, words: readonly string[]): Promise<number> {
  const running = begin(definition, words)
  const code = await attempt(running)
  await releaseInUse()
  await leaveRecord(running, code)
  running.interruption.close()
  running.interruption.endWhereHungUp(running.terminal.interactive)
  return code
}

/** One run of a command; `terminal` and `told` become what the options say once they are read. */
type Running = {
  readonly definition: CommandDefinition
  readonly words: readonly string[]
  readonly operation: Operation
  readonly interruption: Interruption
  terminal: Terminal
  /** Who gets the operation's document. */
  told: { readonly json: boolean; readonly report?: string }
}

function begin(definition: CommandDefinition, words: readonly string[]): Running {
  const { ignoredSignals } = inherited() // before anything is opened, written or handled
  // Who reads us may go away (`| head`), or have a full disk: what we do, and its exit code, stay what they are.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined)
  const color = !words.includes('--no-color')
  return {
    definition,
    words,
    operation: beginOperation(definition.name, new Date()),
    interruption: openInterruption(ignoredSignals),
    terminal: openTerminal(process.env, { loudness: 'normal', color }),
    told: { json: !definition.wraps && words.includes('--json') },
  }
}

async function attempt(running: Running): Promise<number> {
  try {
    return await runSteps(running)
  } catch (error) {
    return fail(running, error)
  }
}

async function runSteps(running: Running): Promise<number> {
  const { definition, words, operation, interruption } = running
  const environment = process.env
  const parsed = parseWords(definition, words)
  if (parsed === 'answered') return exitCode.done
  const project = await readProjectFile(process.cwd())
  const optionsWith = (file: ProjectFile) => resolveOptions({ flags: parsed.flags, environment, file })
  const freshOptions = async () => optionsWith(await readProjectFile(process.cwd()))
  const options = optionsWith(project)
  running.terminal = openTerminal(environment, { loudness: loudnessOf(options), color: options.color })
  running.told = { json: options.json, ...(options.report === undefined ? {} : { report: options.report }) }
  const { words: rest, ownArguments } = parsed
  const { root } = project
  const callOf = (command: string) => callFor(command, process.argv0, environment)
  return runAsChosen(running, {
    options,
    freshOptions,
    words: rest,
    ownArguments,
    root,
    operation,
    interruption,
    callOf,
  })
}

// Who chose another database on the way means the call that chooses it.
async function runAsChosen(running: Running, invocation: Invocation): Promise<number> {
  try {
    return await running.definition.run(ioOf(running), invocation)
  } catch (error) {
    if (!(error instanceof ChosenInstead)) throw error
    return runAsChosen(running, withEnvFiles(invocation, error.envFiles, running.definition.wraps))
  }
}

function withEnvFiles(invocation: Invocation, envFiles: readonly string[], pin: boolean): Invocation {
  const { options, freshOptions, ownArguments } = invocation
  const chosen = ({ databaseUrl: _, ...others }: Options): Options => ({ ...others, envFiles, pin })
  const words = [...envFiles.flatMap((file) => ['--env-file', file]), ...(pin ? ['--pin'] : [])]
  return {
    ...invocation,
    options: chosen(options),
    freshOptions: async () => chosen(await freshOptions()),
    ownArguments: [...ownArguments, ...words],
  }
}

function ioOf({ terminal, interruption }: Running): Io {
  return { environment: process.env, cwd: process.cwd(), now: () => new Date(), terminal, signal: interruption.signal }
}

function loudnessOf(options: Options): 'quiet' | 'normal' | 'verbose' {
  if (options.quiet) return 'quiet'
  return options.verbose ? 'verbose' : 'normal'
}

type Parsed = {
  readonly flags: RawOptions
  readonly words: readonly string[]
  readonly ownArguments: readonly string[]
}

/** Parses our part of the words; `answered` when it was `--help` or `--version`. Throws a `Failure` (2). */
export function parseWords(definition: CommandDefinition, words: readonly string[]): Parsed | 'answered' {
  const parser = parserOf(definition)
  try {
    parser.parse(words, { from: 'user' })
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error
    if (error.exitCode === 0) return 'answered'
    throw usageFailure(definition, error.message.replace(/^error: /, ''))
  }
  const rest = parser.args
  if (definition.wraps && rest.length === 0) throw usageFailure(definition, 'the command to run is missing')
  if (definition.words === '' && rest[0] !== undefined)
    throw usageFailure(definition, `unexpected argument '${rest[0]}'`)
  if (definition.words === '[backup]' && rest[1] !== undefined) {
    throw usageFailure(definition, `unexpected argument '${rest[1]}': one backup is restored at a time`)
  }
  return { flags: parser.opts() as RawOptions, words: rest, ownArguments: givenOptions(parser) }
}

// Not a slice of the words: our options may stand behind a backup's name.
function givenOptions(parser: Command): readonly string[] {
  return parser.options.flatMap((option) => {
    const name = option.attributeName()
    if (parser.getOptionValueSource(name) !== 'cli') return []
    const value: unknown = parser.getOptionValue(name)
    const flag = option.long ?? option.flags
    return typeof value === 'boolean' ? [flag] : [value].flat().flatMap((one) => [flag, String(one)])
  })
}

function usageFailure(definition: CommandDefinition, problem: string): Failure {
  return new Failure(exitCode.usage, {
    what: `${definition.name}: ${problem}`,
    next: [`${definition.name} --help shows how.`],
  })
}

function fail(running: Running, error: unknown): number {
  const failure = asFailure(error, running.interruption)
  running.operation.failure = { code: failure.code, ...failure.text }
  explain(running.terminal, failure)
  if (!running.definition.wraps) return failure.code
  if (running.operation.outcome !== undefined) return commandCode(running.operation.outcome)
  return failure instanceof CannotStart ? failure.wrapperCode : wrapperExitCode.stopped
}

function asFailure(error: unknown, interruption: Interruption): Failure {
  if (error instanceof Failure) return error
  if (interruption.signal.aborted && interruption.signal.reason instanceof Failure) return interruption.signal.reason
  const trace = error instanceof Error ? (error.stack ?? error.message) : messageOf(error)
  return new Failure(exitCode.unexpected, {
    what: `Unexpected: ${messageOf(error)}`,
    why: trace.split('\n').slice(1, 6),
    next: ['This is a bug in db-seatbelt. Please report it with the lines above and what you ran.'],
  })
}

async function leaveRecord(running: Running, code: number): Promise<void> {
  const { operation, told } = running
  const io = ioOf(running)
  const document = `${JSON.stringify(documentOf(operation, code, io.now()), null, 2)}\n`
  if (told.json && operation.document !== 'printed') io.terminal.result(document.trimEnd())
  if (told.report !== undefined) await writeReport(io, told.report, document)
  await writeJournal(io, operation, code)
}

async function writeReport(io: Io, path: string, document: string): Promise<void> {
  try {
    await writeSynced(path, document)
  } catch (error) {
    io.terminal.warn(`The report ${path} could not be written (${messageOf(error)}); nothing else is affected.`)
  }
}
