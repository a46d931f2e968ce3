/** What rotation looks at: one backup with a manifest. */
export type Kept = {
  readonly file: string
  readonly identity: string
  /** The target's URL, as the manifest has it. */
  readonly target: string
  /** UTC, ISO 8601. */
  readonly createdAt: string
  readonly storedBytes: number
}

export type RotationRule = {
  /** How many of the newest stay; at least one does. */
  readonly keep: number
  /** Of how many days, weeks (ISO 8601) and months with a backup the newest one stays, in local time; 0: of none. */
  readonly keepDaily: number
  readonly keepWeekly: number
  readonly keepMonthly: number
  /** Files that stay whatever the rule says. */
  readonly protect: readonly string[]
  /** Files that commands at work depend on. */
  readonly inUse: readonly string[]
  /** A backup that is newer than this was made by a clock that is not ours: nobody can tell its place among the others. */
  readonly now: Date
}

/** What becomes of one backup. `why` has all the reasons to keep it, or the one to remove it. */
export type Verdict = { readonly backup: Kept; readonly keep: boolean; readonly why: readonly string[] }

/** Of several databases, each on its own. */
export type Plans = readonly (readonly Verdict[])[]

/**
 * What becomes of the backups of one database, newest first. Other databases' backups are neither counted nor touched,
 * however alike their names are; files without a manifest are not here at all. Days without a backup are not counted, as
 * with restic's `forget`.
 */
export function planRotation(backups: readonly Kept[], identity: string, rule: RotationRule): readonly Verdict[] {
  const own = backups.filter((backup) => backup.identity === identity).toSorted(newestFirst)
  const isFuture = ({ createdAt }: Kept) => Date.parse(createdAt) > rule.now.getTime()
  const chosen = periodsOf(rule).map((period) =>
    chosenBy(
      period,
      own.filter((backup) => !isFuture(backup)),
    ),
  )
  return own.map((backup) => {
    const why = [
      ...chosen.flatMap((reasons) => reasons.get(backup.file) ?? []),
      ...(isFuture(backup) ? ['made in the future'] : []),
      ...(rule.protect.includes(backup.file) ? ['protected'] : []),
      ...(rule.inUse.includes(backup.file) ? ['a command that runs depends on it'] : []),
    ]
    return why.length > 0 ? { backup, keep: true, why } : { backup, keep: false, why: [beyond(rule)] }
  })
}

/** Of how many periods the newest backup stays, which of them one belongs to, and how that is said. */
type Period = { readonly count: number; nameOf(backup: Kept): string; reason(name: string): string }

function periodsOf({ keep, keepDaily, keepWeekly, keepMonthly }: RotationRule): readonly Period[] {
  const least = Math.max(keep, 1)
  return [
    { count: least, nameOf: ({ file }) => file, reason: () => `newest ${least}` },
    { count: keepDaily, nameOf: ({ createdAt }) => dayOf(createdAt), reason: (day) => `daily ${day}` },
    { count: keepWeekly, nameOf: ({ createdAt }) => weekOf(createdAt), reason: (week) => `weekly ${week}` },
    { count: keepMonthly, nameOf: ({ createdAt }) => monthOf(createdAt), reason: (month) => `monthly ${month}` },
  ]
}

/** The files that stay for a kind of period, each with its reason. */
function chosenBy(period: Period, newestFirstOnes: readonly Kept[]): ReadonlyMap<string, string> {
  const byName = new Map<string, string>()
  for (const backup of newestFirstOnes) {
    const name = period.nameOf(backup)
    if (!byName.has(name) && byName.size < period.count) byName.set(name, backup.file)
  }
  return new Map([...byName].map(([name, file]) => [file, period.reason(name)]))
}

function beyond({ keep, keepDaily, keepWeekly, keepMonthly }: RotationRule): string {
  const others = [
    [keepDaily, 'daily'],
    [keepWeekly, 'weekly'],
    [keepMonthly, 'monthly'],
  ] as const
  const counted = others.filter(([count]) => count > 0).map(([count, name]) => `${count} ${name}`)
  return `beyond the ${[`last ${Math.max(keep, 1)}`, ...counted].join(', ')}`
}

/** `2026-11-20`, local time. */
function dayOf(createdAt: string): string {
  const date = new Date(createdAt)
  return `${monthOf(createdAt)}-${two(date.getDate())}`
}

/** `2026-11`, local time. */
function monthOf(createdAt: string): string {
  const date = new Date(createdAt)
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}`
}

/** `2026-W47` of the local date: a week of ISO 8601 belongs to the year of its Thursday. */
function weekOf(createdAt: string): string {
  const date = new Date(createdAt)
  // The local date as days of UTC, none of which is 23 or 25 hours long.
  const day = Date.UTC(date.getFullYear(), date.getMonth(), date.getDate()) / dayMilliseconds
  const thursday = new Date((day - ((date.getDay() + 6) % 7) + 3) * dayMilliseconds)
  const newYear = Date.UTC(thursday.getUTCFullYear(), 0, 1)
  const week = Math.floor((thursday.getTime() - newYear) / (7 * dayMilliseconds)) + 1
  return `${thursday.getUTCFullYear()}-W${two(week)}`
}

const dayMilliseconds = 24 * 60 * 60 * 1000

function two(value: number): string {
  return String(value).padStart(2, '0')
}

/** Newest first by the manifest's own time; within one instant the later name. */
export function newestFirst(one: Pick<Kept, 'createdAt' | 'file'>, other: Pick<Kept, 'createdAt' | 'file'>): number {
  const later = Date.parse(other.createdAt) - Date.parse(one.createdAt)
  return later !== 0 ? later : stem(other.file).localeCompare(stem(one.file), 'en', { numeric: true })
}

// `…-58-2` is later than `…-58`; with its ending, `…-58.sql` would sort behind it.
function stem(file: string): string {
  return file.replace(/\.(?:sql|sqlite)(?:\.zst|\.gz)?$/, '')
}
