/** The options and other words of a client that takes its options anywhere, as getopt_long reads them. */
export type ClientWords = {
  /** Every value of each option by its long name, in order; '' for an option without a value. */
  readonly options: ReadonlyMap<string, readonly string[]>
  readonly positional: readonly string[]
}

/** Which options a client has: short letters to long names, and those that take a value. */
export type ClientOptions = {
  readonly short: Readonly<Record<string, string>>
  readonly valued: ReadonlySet<string>
  /** Options whose value is only read where it is glued on: `-psecret`. */
  readonly glued?: ReadonlySet<string>
}

/** Reads `-h host`, `-hhost`, `-Xh host`, `--host host`, `--host=host`, and the words between; `--` ends the options. */
export function readClientWords(args: readonly string[], known: ClientOptions): ClientWords {
  const options = new Map<string, string[]>()
  const positional: string[] = []
  const add = (name: string, value: string) => options.set(name, [...(options.get(name) ?? []), value])
  for (let index = 0; index < args.length; index++) {
    const word = args[index] ?? ''
    if (word === '--') return { options, positional: [...positional, ...args.slice(index + 1)] }
    if (!word.startsWith('-') || word === '-') positional.push(word)
    else {
      const { found, open } = word.startsWith('--') ? longOption(word, known) : shortOptions(word.slice(1), known)
      for (const [name, value] of found) add(name, value)
      if (open !== undefined) add(open, args[++index] ?? '')
    }
  }
  return { options, positional }
}

type Read = { readonly found: readonly (readonly [string, string])[]; readonly open?: string }

function longOption(word: string, { valued }: ClientOptions): Read {
  const [, name = '', value] = /^--([^=]+)(?:=(.*))?$/s.exec(word) ?? []
  if (value !== undefined) return { found: [[name, value]] }
  return valued.has(name) ? { found: [], open: name } : { found: [[name, '']] }
}

function shortOptions(letters: string, { short, valued, glued }: ClientOptions): Read {
  const found: (readonly [string, string])[] = []
  for (let index = 0; index < letters.length; index++) {
    const letter = letters[index] ?? ''
    const name = short[letter] ?? letter
    const rest = letters.slice(index + 1)
    if (glued?.has(name)) return { found: [...found, [name, rest]] }
    if (valued.has(name)) return rest === '' ? { found, open: name } : { found: [...found, [name, rest]] }
    found.push([name, ''])
  }
  return { found }
}

export function lastOf({ options }: ClientWords, name: string): string | undefined {
  return options.get(name)?.at(-1)
}
