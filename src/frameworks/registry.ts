import { basename } from 'node:path'
import type { Call, Framework } from './framework.ts'

type Entry = { readonly programs: RegExp; readonly load: () => Promise<Framework> }

// By the program's name, so that `safe-test npm test` does not load what it has no use for.
const entries: readonly Entry[] = []

/** The frameworks that a call's program may belong to. */
export async function loadFrameworks(call: Call): Promise<readonly Framework[]> {
  const name = basename(call.words[0] ?? '')
  return Promise.all(entries.filter(({ programs }) => programs.test(name)).map(({ load }) => load()))
}
