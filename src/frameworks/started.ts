import type { Call } from './framework.ts'

/** What a launcher starts: the calls behind it, or why that cannot be read. */
export type Launched = { readonly calls: readonly Call[] } | { readonly opaque: string }

/** The call of the words behind a launcher; undefined where there are none. */
export function started(call: Call, words: readonly string[], changes: Partial<Call> = {}): Launched | undefined {
  if (words.length === 0) return undefined
  return { calls: [{ ...call, ...changes, words, via: [...call.via, call.words.join(' ')] }] }
}

/** Several launches as one: opaque as soon as one of them is. */
export function joined(parts: readonly Launched[]): Launched {
  const opaque = parts.find((part) => 'opaque' in part)
  return opaque ?? { calls: parts.flatMap((part) => ('calls' in part ? part.calls : [])) }
}
