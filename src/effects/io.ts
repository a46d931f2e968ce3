import type { Terminal } from './terminal.ts'

export type Environment = Readonly<Record<string, string | undefined>>

/** Everything of the outside that a command may touch, handed through the rooms. */
export type Io = {
  /** The caller's environment as it was given to us; read it by bracket, never `process.env` itself. */
  readonly environment: Environment
  readonly cwd: string
  readonly now: () => Date
  readonly terminal: Terminal
  /** Aborted by SIGINT, SIGTERM or SIGHUP; its reason is the `Failure` to end with. */
  readonly signal: AbortSignal
  /** Told of each small tool just before it is started, with the folder that it runs in. */
  readonly toolStarts?: (cwd: string) => void
}
