import type { Environment, Io } from '../effects/io.ts'
import type { Purpose } from '../environment/env-chains.ts'
import type { FailureText } from '../failure.ts'
import type { Candidate } from '../target/resolve.ts'

/** One program that a command starts, after what stands in front of it was seen through. */
export type Call = {
  /** The program and its arguments; the program as it was written: `artisan`, `./manage.py`, `node_modules/.bin/knex`. */
  readonly words: readonly string[]
  /** Absolute; `npm --prefix` and `make -C` change it. */
  readonly cwd: string
  /** What it will find in its environment: the caller's, with what is assigned on the line over it. */
  readonly environment: Environment
  /** Env files that the line itself has loaded (`dotenv -e F`, `node --env-file=F`), relative to `cwd`; earlier ones win. */
  readonly envFiles: readonly string[]
  /** The file that a shell gives it as standard input (`< reset.sql`), relative to `cwd`; absent: it has ours, or a pipe. */
  readonly input?: string
  /** How we came here: `npm test`, `package.json: vitest run`. */
  readonly via: readonly string[]
}

/** What lies behind a command: programs, or what could not be read through, as sentences ("make: the Makefile …"). */
export type SeenThrough = { readonly calls: readonly Call[]; readonly opaque: readonly string[] }

/** What a framework says of a call that is its own. */
export type Recognition =
  | {
      readonly state: 'known'
      /** The program was asked, or its documented rules were followed. */
      readonly by: 'asked' | 'rules'
      readonly candidates: readonly Candidate[]
      /** What a person should know of it: "the configuration is cached: no env file is read". */
      readonly notes: readonly string[]
    }
  /** It is its own and touches no database: `artisan list`. */
  | { readonly state: 'harmless'; readonly reason: string }
  /** It is its own and cannot be known: every candidate counts, and these with them. */
  | { readonly state: 'unknown'; readonly because: string; readonly candidates: readonly Candidate[] }
  /** It would do what nobody wants (tests on a cached production configuration): the text says what, why and what next. */
  | { readonly state: 'refused'; readonly text: FailureText }

export type Framework = {
  readonly name: string
  /**
   * Which databases the call will touch; undefined when the call is not this framework's. Read-only and bounded in time;
   * runs no code of the project that the call itself would not run.
   */
  recognise(io: Io, call: Call, purpose: Purpose): Promise<Recognition | undefined>
}
