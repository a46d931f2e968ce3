import type { Environment } from './effects/io.ts'
import { exitCode, Failure } from './failure.ts'
import type { NamePatterns } from './target/production.ts'

const compressions = ['none', 'zstd', 'gzip'] as const

export type Compression = (typeof compressions)[number]

const marks = ['production', 'none'] as const

export type Mark = (typeof marks)[number]

/** What a command was told, after flags, variables, the project file and the defaults were laid over each other. */
export type Options = {
  readonly envFiles: readonly string[]
  /** The URL, and the flag or variable that held it. */
  readonly databaseUrl?: { readonly value: string; readonly label: string }
  readonly backupDirectory: string
  readonly keep: number
  /** Of how many days, weeks and months the newest backup stays besides; 0: of none. */
  readonly keepDaily: number
  readonly keepWeekly: number
  readonly keepMonthly: number
  /** Remove what is beyond these, and make no backup. */
  readonly rotate: boolean
  /** Only show what `rotate` would remove. */
  readonly dryRun: boolean
  readonly compress: Compression
  /** Dump also where the server proves that nothing was changed. */
  readonly alwaysDump: boolean
  /** Restore each backup into a scratch database, and compare, before anything else is done. */
  readonly prove: boolean
  /** Only prove the backup that is named. */
  readonly check: boolean
  /** Names of databases that may be production. */
  readonly allowProduction: readonly string[]
  readonly yes: boolean
  readonly json: boolean
  readonly report?: string
  readonly quiet: boolean
  readonly verbose: boolean
  readonly color: boolean
  readonly pin: boolean
  readonly restoreOnFailure: boolean
  readonly failOnLoss: boolean
  /** An instant copy too. */
  readonly instant: boolean
  readonly instantKeep: number
  /** How long the tables may be counted after the wrapped command; 0: it is not looked at. */
  readonly checkSeconds: number
  /** What `inspect-database` is to mark the database as. */
  readonly mark?: Mark
  readonly patterns: NamePatterns
  /** URLs of databases that are for tests, whatever they are called. */
  readonly testDatabases: readonly string[]
}

export type OptionName =
  | 'envFile'
  | 'databaseUrl'
  | 'backupDir'
  | 'keep'
  | 'keepDaily'
  | 'keepWeekly'
  | 'keepMonthly'
  | 'rotate'
  | 'dryRun'
  | 'compress'
  | 'alwaysDump'
  | 'prove'
  | 'check'
  | 'allowProduction'
  | 'yes'
  | 'json'
  | 'report'
  | 'pin'
  | 'restoreOnFailure'
  | 'failOnLoss'
  | 'instant'
  | 'instantKeep'
  | 'checkSeconds'
  | 'mark'
  | 'quiet'
  | 'verbose'
  | 'color'

export type OptionDefinition = {
  /** Absent: for a variable or the project file only. */
  readonly flag?: string
  readonly variable?: string
  readonly repeatable?: true
  /** The project file may set it, under the option's own name. */
  readonly inFile?: true
  /** Not in `--help`, which fits a screen: only in `--help-all`. */
  readonly rare?: true
  readonly help: string
}

/** Every option once: its flag, its variable, and its line in `--help`. */
export const optionDefinitions: Readonly<Record<OptionName, OptionDefinition>> = {
  envFile: {
    flag: '--env-file <file>',
    variable: 'SEATBELT_ENV_FILE',
    repeatable: true,
    inFile: true,
    help: 'read just this env file (may be repeated)',
  },
  databaseUrl: {
    flag: '--database-url <url>',
    variable: 'SEATBELT_DATABASE_URL',
    help: 'this database (ps shows it: prefer the variable)',
  },
  backupDir: {
    flag: '--backup-dir <folder>',
    variable: 'SEATBELT_BACKUP_DIR',
    inFile: true,
    help: 'where backups are kept (default: backups)',
  },
  keep: {
    flag: '--keep <n>',
    variable: 'SEATBELT_KEEP',
    inFile: true,
    help: 'backups kept for each database (default: 30)',
  },
  keepDaily: {
    flag: '--keep-daily <n>',
    variable: 'SEATBELT_KEEP_DAILY',
    inFile: true,
    rare: true,
    help: 'besides: the newest of each of n days (default: 0)',
  },
  keepWeekly: {
    flag: '--keep-weekly <n>',
    variable: 'SEATBELT_KEEP_WEEKLY',
    inFile: true,
    rare: true,
    help: 'besides: the newest of each of n weeks (default: 0)',
  },
  keepMonthly: {
    flag: '--keep-monthly <n>',
    variable: 'SEATBELT_KEEP_MONTHLY',
    inFile: true,
    rare: true,
    help: 'besides: the newest of each of n months (default: 0)',
  },
  rotate: { flag: '--rotate', help: 'only remove old backups (--dry-run: show which)' },
  dryRun: { flag: '--dry-run', rare: true, help: 'with --rotate: only show what would be removed' },
  compress: {
    flag: '--compress <how>',
    variable: 'SEATBELT_COMPRESS',
    inFile: true,
    help: 'none, zstd or gzip (default: none)',
  },
  alwaysDump: {
    flag: '--always-dump',
    variable: 'SEATBELT_ALWAYS_DUMP',
    inFile: true,
    rare: true,
    help: 'dump also where the server proves that nothing changed',
  },
  prove: {
    flag: '--prove',
    variable: 'SEATBELT_PROVE',
    inFile: true,
    help: 'first restore each backup beside, and compare',
  },
  check: { flag: '--check', help: 'only prove it: restore it beside, compare' },
  allowProduction: {
    flag: '--allow-production <name>',
    variable: 'SEATBELT_ALLOW_PRODUCTION',
    repeatable: true,
    help: "consent without a terminal: the database's name",
  },
  yes: { flag: '--yes', help: 'answer every question but the production one' },
  json: { flag: '--json', help: 'print one JSON document on stdout' },
  report: { flag: '--report <file>', variable: 'SEATBELT_REPORT', inFile: true, help: 'write what happened as JSON' },
  pin: { flag: '--pin', help: "give the command that env file's database keys" },
  restoreOnFailure: { flag: '--restore-on-failure', help: 'restore without asking when the command fails' },
  failOnLoss: {
    flag: '--fail-on-loss',
    variable: 'SEATBELT_FAIL_ON_LOSS',
    inFile: true,
    help: 'end with 3 when rows, a table or a column are gone',
  },
  instant: {
    flag: '--instant',
    variable: 'SEATBELT_INSTANT',
    inFile: true,
    help: 'make, or swap in, a copy that comes back at once',
  },
  instantKeep: {
    variable: 'SEATBELT_INSTANT_KEEP',
    inFile: true,
    rare: true,
    help: 'instant copies kept for each database (default: 1)',
  },
  checkSeconds: {
    variable: 'SEATBELT_CHECK_SECONDS',
    inFile: true,
    help: 'how long to count rows after the command (default: 5; 0: not at all)',
  },
  mark: { flag: '--mark <what>', help: 'production: our marker; none: takes it away' },
  quiet: { flag: '--quiet', help: 'say only what needs attention' },
  verbose: { flag: '--verbose', rare: true, help: 'say what was read, and from where' },
  color: { flag: '--no-color', rare: true, help: 'no colours (also: NO_COLOR)' },
}

/** What every command has that makes backups. */
export const backupOptions: readonly OptionName[] = [
  'envFile',
  'databaseUrl',
  'backupDir',
  'keep',
  'keepDaily',
  'keepWeekly',
  'keepMonthly',
  'compress',
  'alwaysDump',
  'allowProduction',
  'yes',
]

/** What one source (flags, variables, the project file) says, still as it was written. */
export type RawOptions = Readonly<Partial<Record<OptionName, string | number | boolean | readonly string[]>>>

/** What the project file may hold besides options. */
export type RawPatterns = Readonly<Partial<Record<keyof NamePatterns | 'testDatabases', readonly string[]>>>

export type OptionSources = {
  readonly flags: RawOptions
  readonly environment: Environment
  readonly file: { readonly options: RawOptions; readonly patterns: RawPatterns; readonly name: string }
}

const none = { value: 0, label: 'default' }

type Chosen = { readonly value: string | number | boolean | readonly string[]; readonly label: string }

/** Flags beat variables beat the project file beat the defaults. Throws a `Failure` (2) that names where a bad value stands. */
export function resolveOptions(sources: OptionSources): Options {
  const choose = (name: OptionName) => chosen(name, sources)
  // A file that is named on the line is closer than a URL that waits in the environment.
  const overruled = sources.flags.envFile !== undefined && sources.flags.databaseUrl === undefined
  const databaseUrl = overruled ? undefined : choose('databaseUrl')
  const report = choose('report')
  const mark = choose('mark')
  const failOnLoss = yesOrNo(choose('failOnLoss') ?? { value: false, label: 'default' })
  const checkSeconds = choose('checkSeconds') ?? { value: 5, label: 'default' }
  const { patterns } = sources.file
  return {
    envFiles: list(choose('envFile')),
    ...(databaseUrl === undefined ? {} : { databaseUrl: { value: text(databaseUrl), label: databaseUrl.label } }),
    backupDirectory: text(choose('backupDir') ?? { value: 'backups', label: 'default' }),
    keep: wholeNumber(choose('keep') ?? { value: 30, label: 'default' }),
    keepDaily: wholeNumber(choose('keepDaily') ?? none, 0),
    keepWeekly: wholeNumber(choose('keepWeekly') ?? none, 0),
    keepMonthly: wholeNumber(choose('keepMonthly') ?? none, 0),
    rotate: sources.flags.rotate === true,
    dryRun: sources.flags.dryRun === true,
    compress: oneOf(choose('compress') ?? { value: 'none', label: 'default' }, compressions),
    alwaysDump: yesOrNo(choose('alwaysDump') ?? { value: false, label: 'default' }),
    prove: yesOrNo(choose('prove') ?? { value: false, label: 'default' }),
    check: sources.flags.check === true,
    allowProduction: list(choose('allowProduction')),
    ...(report === undefined ? {} : { report: text(report) }),
    yes: sources.flags.yes === true,
    json: sources.flags.json === true,
    quiet: sources.flags.quiet === true,
    verbose: sources.flags.verbose === true,
    color: sources.flags.color !== false,
    pin: sources.flags.pin === true,
    restoreOnFailure: sources.flags.restoreOnFailure === true,
    failOnLoss,
    instant: yesOrNo(choose('instant') ?? { value: false, label: 'default' }),
    instantKeep: wholeNumber(choose('instantKeep') ?? { value: 1, label: 'default' }),
    checkSeconds: wholeNumber(checkSeconds, failOnLoss ? 1 : 0), // a loss that nobody looks for is none
    patterns: {
      productionNames: patterns.productionNames ?? [],
      safeNames: patterns.safeNames ?? [],
      customerIdentifiers: patterns.customerIdentifiers ?? [],
    },
    testDatabases: patterns.testDatabases ?? [],
    ...(mark === undefined ? {} : { mark: oneOf(mark, marks) }),
  }
}

function chosen(name: OptionName, { flags, environment, file }: OptionSources): Chosen | undefined {
  const definition = optionDefinitions[name]
  const flag = flags[name]
  if (flag !== undefined) return { value: flag, label: definition.flag?.split(' ')[0] ?? name }
  const variable = definition.variable === undefined ? undefined : environment[definition.variable]
  if (variable !== undefined && variable !== '') return { value: variable, label: definition.variable ?? name }
  const inFile = file.options[name]
  return inFile === undefined ? undefined : { value: inFile, label: `${file.name}: ${name}` }
}

function badValue(source: Chosen, expected: string): Failure {
  return new Failure(exitCode.usage, {
    what: `${source.label} must be ${expected}`,
    why: [`It is: ${String(source.value)}`],
  })
}

function list(source: Chosen | undefined): readonly string[] {
  if (source === undefined) return []
  const values = Array.isArray(source.value) ? source.value : [source.value]
  if (values.some((value) => typeof value !== 'string' || value === ''))
    throw badValue(source, 'a text that is not empty')
  return values as readonly string[]
}

function text(source: Chosen): string {
  if (typeof source.value !== 'string' || source.value === '') throw badValue(source, 'a text that is not empty')
  return source.value
}

function wholeNumber(source: Chosen, least = 1): number {
  const number = typeof source.value === 'string' && /^\d+$/.test(source.value) ? Number(source.value) : source.value
  if (typeof number !== 'number' || !Number.isSafeInteger(number) || number < least) {
    throw badValue(source, `a whole number of at least ${least}`)
  }
  return number
}

const answers = new Map<Chosen['value'], boolean>([
  [true, true],
  ['true', true],
  ['1', true],
  [false, false],
  ['false', false],
  ['0', false],
])

function yesOrNo(source: Chosen): boolean {
  const answer = answers.get(source.value)
  if (answer === undefined) throw badValue(source, 'true or false')
  return answer
}

function oneOf<T extends string>(source: Chosen, values: readonly T[]): T {
  const found = values.find((name) => name === source.value)
  if (found === undefined) throw badValue(source, `one of ${values.join(', ')}`)
  return found
}
