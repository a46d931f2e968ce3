import type { Interruption } from './effects/interruption.ts'
import type { Operation } from './operation.ts'
import type { Options } from './options.ts'

/** One call of a command: what it was told, and the record of what it does. */
export type Invocation = {
  readonly options: Options
  /** The same with `seatbelt.json` read anew. Throws a `Failure` (2). */
  readonly freshOptions: () => Promise<Options>
  /** The wrapped command, or the command's own arguments. */
  readonly words: readonly string[]
  /** Our own arguments as they were given, to propose the same command again. */
  readonly ownArguments: readonly string[]
  /** The folder that the backup folder belongs to. */
  readonly root: string
  readonly operation: Operation
  readonly interruption: Interruption
  /** How the user would call another of our commands: `./bin/restore-database`, `npx restore-database`. */
  readonly callOf: (command: string) => string
}
