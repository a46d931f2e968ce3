import { onOneLine } from '../effects/terminal.ts'
import { counted } from '../effects/units.ts'
import type { ServerWrites } from '../engines/engine.ts'
import type { ElsewhereRecord } from '../operation.ts'
import { type Target, urlOf } from '../target/target.ts'

/** Two readings of one server's counters, before the command and after it. */
export type Readings = { readonly target: Target; readonly before: ServerWrites; readonly after: ServerWrites }

/**
 * The databases that somebody wrote to or dropped between the readings, and that are not among the backed-up targets. It
 * need not have been the command. Where the counters began anew in between, nothing is known.
 */
export function changedElsewhere(
  readings: readonly Readings[],
  backedUp: readonly Target[],
): readonly ElsewhereRecord[] {
  const all = readings.flatMap((reading) => changedBetween(reading, namesOf(backedUp, reading.target)))
  return [...new Map(all.map((one) => [one.url, one])).values()]
}

export function isComparable({ before, after }: Readings): boolean {
  return before.since === after.since
}

// Whatever the host is called in each: a server may have two names.
function namesOf(targets: readonly Target[], { engine }: Target): readonly string[] {
  return targets.filter((target) => target.engine === engine).map(({ database }) => database)
}

function changedBetween(readings: Readings, backedUp: readonly string[]): readonly ElsewhereRecord[] {
  const { target, before, after } = readings
  if (!isComparable(readings)) return []
  return [...before.databases].flatMap(([name, count]): ElsewhereRecord[] => {
    const now = after.databases.get(name)
    if (now === count || isOurs(name) || belongsTo(backedUp, name)) return []
    return [
      { url: urlOf({ ...target, database: name }), database: name, what: now === undefined ? 'dropped' : 'written' },
    ]
  })
}

// What another operation of ours makes beside a database.
function isOurs(name: string): boolean {
  return name.includes('_seatbelt_')
}

// `shop_test_2` and `shop_test_gw3` are what parallel workers of a test run make of `shop_test`.
function belongsTo(backedUp: readonly string[], name: string): boolean {
  const [, base] = /^(.*test.*)[-_](?:gw)?\d+$/is.exec(name) ?? []
  return backedUp.includes(name) || (base !== undefined && backedUp.includes(base))
}

const namesShown = 3

/** One sentence for each, and what to do where it was the command; those beyond three are only counted. */
export function elsewhereTexts(records: readonly ElsewhereRecord[]): readonly string[] {
  if (records.length === 0) return []
  const texts = records.map(({ database, what }) => `\`${onOneLine(database)}\` was ${deeds[what]}`)
  const rest = records.length - namesShown
  const more = rest > 0 ? [`… and ${counted(rest, 'more database')}`] : []
  return [...texts.slice(0, namesShown), ...more, `  ${nextTime}`]
}

const nextTime = 'Was it the command? Name that database next time: --env-file FILE, or SEATBELT_DATABASE_URL=…'

const deeds: Readonly<Record<ElsewhereRecord['what'], string>> = {
  written: 'written to while this ran, and is not backed up',
  dropped: 'dropped or renamed while this ran, and is not backed up',
}
