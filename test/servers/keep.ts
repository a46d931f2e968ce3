/**
 * A process that runs one server for the process that holds our stdin. When that closes, however its holder ended
 * (SIGKILL too), we take the server down by its own pid and remove its folder.
 */
import { chownSync, cpSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

/** What to keep: the one line of JSON that we read, so that no password stands in an argument. */
export type Order = {
  /** Made by us, removed by us: must not exist yet. */
  readonly folder: string
  /** Whom the server runs as; left out: ourselves. */
  readonly user?: { readonly uid: number; readonly gid: number }
  readonly environment: Readonly<Record<string, string>>
  /** Name in the folder → what it holds. */
  readonly files: Readonly<Record<string, string>>
  /** Name in the folder → the folder copied there. */
  readonly copies: Readonly<Record<string, string>>
  /** Commands that must succeed before the server starts. */
  readonly prepare: readonly (readonly string[])[]
  readonly serve: readonly string[]
  readonly stopSignal: NodeJS.Signals
  /** Starts the server again whenever somebody kills it, as a service manager does. */
  readonly restarts?: boolean
}

/** Our stdout: one line of JSON each. */
export type Report = { readonly pid: number } | { readonly ended: string }

let current: Bun.Subprocess | undefined
let stopping = false

async function keep(order: Order): Promise<void> {
  furnish(order)
  const log = openSync(join(order.folder, 'log'), 'a')
  for (const command of order.prepare) {
    const end = await start(order, command, log).exited
    if (stopping) return
    if (end !== 0) return report({ ended: lastWords(order, command) })
  }
  do {
    const server = start(order, order.serve, log)
    report({ pid: server.pid })
    await server.exited
    if (order.restarts === true && !stopping) await Bun.sleep(restartPause)
  } while (order.restarts === true && !stopping)
  if (!stopping) report({ ended: lastWords(order, order.serve) })
}

// PostgreSQL does not start while processes of the killed server still leave.
const restartPause = 50

function furnish({ folder, user, files, copies }: Order): void {
  mkdirSync(folder, { mode: 0o755 })
  for (const [name, text] of Object.entries(files)) {
    writeFileSync(join(folder, name), text, { mode: 0o600 })
    if (user) chownSync(join(folder, name), user.uid, user.gid)
  }
  for (const [name, from] of Object.entries(copies)) {
    cpSync(from, join(folder, name), { recursive: true, verbatimSymlinks: true })
  }
  if (user) chownSync(folder, user.uid, user.gid)
}

function start(order: Order, command: readonly string[], log: number): Bun.Subprocess {
  // The folder as working directory: the user may not be able to reach the one that we were started in.
  const place = { cwd: order.folder, env: { ...order.environment }, ...order.user }
  current = Bun.spawn([...command], { ...place, stdin: 'ignore', stdout: log, stderr: log })
  return current
}

function lastWords({ folder }: Order, command: readonly string[]): string {
  const said = readFileSync(join(folder, 'log'), 'utf8').trimEnd().split('\n').slice(-40)
  return [`${command[0]} ended (${current?.signalCode ?? current?.exitCode}) and said:`, ...said].join('\n  ')
}

function report(line: Report): void {
  process.stdout.write(`${JSON.stringify(line)}\n`)
}

async function stop(order: Order): Promise<void> {
  stopping = true
  if (current && current.exitCode === null && current.signalCode === null) {
    current.kill(order.stopSignal)
    const impatience = setTimeout(() => current?.kill('SIGKILL'), 10_000)
    await current.exited
    clearTimeout(impatience)
  }
  // Orphans of a server that a test killed may still write while we remove.
  await rm(order.folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 })
}

if (import.meta.main) {
  // Whoever reads our reports may be gone.
  process.stdout.on('error', () => {})
  const lines = createInterface({ input: process.stdin })
  lines.once('line', (line) => {
    const order: Order = JSON.parse(line)
    const kept = keep(order).catch((error) => report({ ended: String(error) }))
    lines.once('close', () => void stop(order).then(() => kept))
  })
}
