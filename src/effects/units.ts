const unitNames = ['B', 'kB', 'MB', 'GB', 'TB'] as const

/** `516 MB`, `1.2 GB`: decimal units, as `ls --si` and disk makers have them. */
export function shownBytes(bytes: number): string {
  // 999,600 rounds to a thousand kilobytes: that is 1.0 MB.
  const exponent = Math.min(Math.floor(Math.log10(Math.max(bytes, 1) * 1.0005) / 3), unitNames.length - 1)
  const value = bytes / 1000 ** exponent
  const digits = exponent === 0 || value >= 100 ? 0 : 1
  return `${value.toFixed(digits)} ${unitNames[exponent]}`
}

/** `1,204`. */
export function shownCount(count: number): string {
  return count.toLocaleString('en-US')
}

/** `3 tables`, `1 row`. */
export function counted(count: number, noun: string): string {
  return `${shownCount(count)} ${noun}${count === 1 ? '' : 's'}`
}

/** `0.4 s`, `12 s`, `3 min 5 s`. */
export function shownSeconds(seconds: number): string {
  if (seconds < 10) return `${seconds.toFixed(1)} s`
  const whole = Math.round(seconds)
  return whole < 60 ? `${whole} s` : `${Math.floor(whole / 60)} min ${whole % 60} s`
}

const ageUnits = [
  ['day', 86_400],
  ['hour', 3600],
  ['minute', 60],
  ['second', 1],
] as const

/** `just now`, `12 seconds ago`, `2 minutes ago`, `3 days ago`; a time to come is now. */
export function shownAge(seconds: number): string {
  const [unit, length] = ageUnits.find(([, least]) => seconds >= least) ?? []
  return unit === undefined || length === undefined ? 'just now' : `${counted(Math.floor(seconds / length), unit)} ago`
}
