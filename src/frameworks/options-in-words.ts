/** What stands among a program's own options, and the words after them. */
export type ReadOptions = {
  /** Every value of each option, in order; an option without a value has the value ''. */
  readonly options: ReadonlyMap<string, readonly string[]>
  readonly rest: readonly string[]
}

/**
 * Reads the options in front of the first word that is none: `-e F`, `--env-file=F`, `--env-file F`. `valued` names those
 * that take the next word as their value. `--` ends them.
 */
export function leadingOptions(words: readonly string[], valued: ReadonlySet<string>): ReadOptions {
  const options = new Map<string, string[]>()
  let index = 0
  for (; index < words.length; index++) {
    const word = words[index] ?? ''
    if (word === '--') return { options, rest: words.slice(index + 1) }
    if (!word.startsWith('-') || word === '-') break
    const [name, value] = splitOption(word)
    const takesNext = value === undefined && valued.has(name)
    options.set(name, [...(options.get(name) ?? []), takesNext ? (words[index + 1] ?? '') : (value ?? '')])
    if (takesNext) index++
  }
  return { options, rest: words.slice(index) }
}

/** The same anywhere before `--`, for programs that take their options between and behind the other words. */
export function optionsAnywhere(words: readonly string[], valued: ReadonlySet<string>): ReadOptions {
  const options = new Map<string, readonly string[]>()
  const plain: string[] = []
  const end = words.indexOf('--')
  let left = end < 0 ? words : words.slice(0, end)
  while (left.length > 0) {
    const read = leadingOptions(left, valued)
    for (const [name, values] of read.options) options.set(name, [...(options.get(name) ?? []), ...values])
    plain.push(...read.rest.slice(0, 1))
    left = read.rest.slice(1)
  }
  return { options, rest: end < 0 ? plain : [...plain, ...words.slice(end + 1)] }
}

/** Every value of an option anywhere in the words before `--`: `--database=x`, `--database x`, `-d x`. */
export function valuesOf(words: readonly string[], names: readonly string[]): readonly string[] {
  const end = words.indexOf('--')
  const own = end < 0 ? words : words.slice(0, end)
  return own.flatMap((word, index) => {
    const [name, value] = splitOption(word)
    if (!names.includes(name)) return []
    return [value ?? own[index + 1] ?? '']
  })
}

function splitOption(word: string): readonly [string, string?] {
  const equals = word.indexOf('=')
  return equals > 0 && word.startsWith('--') ? [word.slice(0, equals), word.slice(equals + 1)] : [word]
}
