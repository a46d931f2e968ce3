import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Order, Report } from './keep.ts'

export type Kept = {
  readonly pid: number
  /** Settles only if the server ends before it is told to: with what it said. */
  readonly ended: Promise<string>
  /** Stops the server and removes its folder. */
  readonly stop: () => Promise<void>
}

/** Starts a server that lives no longer than this process. Throws, with the server's own words, if it does not start. */
export async function keep(order: Order): Promise<Kept> {
  // A session of its own: the Ctrl-C that ends us must not end the one that cleans up after us.
  const keeper = Bun.spawn([process.execPath, '--no-env-file', join(import.meta.dirname, 'keep.ts')], {
    detached: true,
    stdin: 'pipe',
    stdout: 'pipe',
    stderr: 'inherit',
  })
  keeper.stdin.write(`${JSON.stringify(order)}\n`)
  await keeper.stdin.flush()
  const stop = async () => {
    await keeper.stdin.end()
    await keeper.exited
  }
  const reports = reportsOf(keeper.stdout)
  const first = await reports.next()
  if (first.value && 'pid' in first.value) return { pid: first.value.pid, ended: endOf(reports), stop }
  await stop()
  throw new Error(first.value?.ended ?? `the keeper of ${order.serve[0]} ended before it started anything`)
}

async function* reportsOf(stream: ReadableStream<Uint8Array<ArrayBuffer>>): AsyncGenerator<Report, undefined> {
  let rest = ''
  for await (const text of stream.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + text).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) yield JSON.parse(line)
  }
}

async function endOf(reports: AsyncGenerator<Report, undefined>): Promise<string> {
  for await (const report of reports) if ('ended' in report) return report.ended
  return new Promise(() => {})
}

/** A folder's path short enough that a socket in it stays under the 107 bytes that the kernel allows. */
export function newFolderPath(): string {
  const parent = tmpdir().length > 60 ? '/tmp' : tmpdir()
  return join(parent, `seatbelt-${randomBytes(5).toString('hex')}`)
}

/** Whom servers run as where we are root, as PostgreSQL and MariaDB refuse to: Debian's and everybody's `nobody`. */
export function serverUser(): { user: { uid: number; gid: number } } | undefined {
  return process.getuid?.() === 0 ? { user: { uid: 65534, gid: 65534 } } : undefined
}

/** A free port below the ephemeral ones, which any outgoing connection might take in the meantime. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = 10_000 + Math.floor(Math.random() * 22_768)
    if (await isFree(port)) return port
  }
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer()
  const outcome = once(server, 'listening').then(
    () => true,
    () => false,
  )
  server.listen({ port, host: '127.0.0.1', exclusive: true })
  const free = await outcome
  await new Promise((resolve) => server.close(resolve))
  return free
}

/** Asks until the server answers. Throws when it ended meanwhile, or never answered. */
export async function untilItAnswers(kept: Kept, ask: () => Promise<unknown>): Promise<void> {
  let ended: string | undefined
  void kept.ended.then((words) => {
    ended = words
  })
  const deadline = Date.now() + 60_000
  for (;;) {
    const answer = await ask().then(
      () => undefined,
      (error: unknown) => error,
    )
    if (answer === undefined) return
    if (ended !== undefined) throw new Error(ended)
    if (Date.now() > deadline) throw new Error('the server did not answer within 60 seconds', { cause: answer })
    await Bun.sleep(20)
  }
}
