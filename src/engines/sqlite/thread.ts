import type { SQLQueryBindings } from 'bun:sqlite'
import { collectWhenLarge } from '../../effects/memory.ts'
import { startThread } from '../../effects/thread.ts'

/** How a database is opened. */
export type Opening = {
  /** A path, or a URI of our own. */
  readonly file: string
  /** SQLite's open flags. */
  readonly flags: number
  /** How long a statement waits for the locks of others; absent: ten seconds. */
  readonly seconds?: number
}

const busySeconds = 10

type Value = string | number | null
export type Row = Readonly<Record<string, Value>>

/** What SQLite said: its code by name (`SQLITE_BUSY`) and its message. */
export class SqliteProblem extends Error {
  readonly code: string

  constructor(code: string, message: string) {
    super(message)
    this.name = 'SqliteProblem'
    this.code = code
  }
}

/** A connection in a thread of its own: a long VACUUM or check leaves our process free for signals and its progress line. */
export type Connection = {
  rows(sql: string, ...values: SQLQueryBindings[]): Promise<readonly Row[]>
  close(): Promise<void>
}

type Reply = { readonly rows?: readonly Row[]; readonly code?: string; readonly message?: string }

// SQLite's own busy handler looks ten times a second: beside a program that commits all the time it waits in vain.
const threadSource = `
import { Database } from 'bun:sqlite'
let database
const open = ({ file, flags }) => {
  const opened = new Database(file, flags)
  opened.run('PRAGMA trusted_schema = OFF')
  return opened
}
const run = ({ opening, sql, values }) => {
  if (sql === undefined) return database?.close(true), {}
  database ??= open(opening)
  const statement = database.prepare(sql)
  try {
    return { rows: statement.all(...values) }
  } finally {
    statement.finalize()
  }
}
const attempt = (job) => {
  try {
    return run(job)
  } catch (error) {
    return { code: error.code ?? 'SQLITE_ERROR', message: error.message }
  }
}
// They were copied for the other thread, and would stay in this one's heap until it has many more.
const letGo = (reply) => {
  reply.rows = undefined
  Bun.gc(true)
}
self.onmessage = ({ data: job }) => {
  const deadline = Date.now() + job.milliseconds
  for (;;) {
    if (Atomics.load(job.cancelled, 0) === 1) return
    const reply = attempt(job)
    if (!/^SQLITE_BUSY/.test(reply.code) || Date.now() >= deadline) {
      postMessage(reply)
      if (reply.rows?.length > 1000) letGo(reply)
      return
    }
    Atomics.wait(job.cancelled, 0, 0, 1 + Math.random() * 4)
  }
}
`

/**
 * Opens lazily, with the first statement. An abort rejects at once and abandons the thread: a statement that runs cannot
 * be interrupted, but neither does it keep the process.
 */
function openInThread(signal: AbortSignal, opening: Opening): Connection {
  signal.throwIfAborted() // an abort that was before is not told again
  const { worker, end } = startThread(threadSource)
  const milliseconds = (opening.seconds ?? busySeconds) * 1000
  const cancelled = new Int32Array(new SharedArrayBuffer(4))
  const ask = async (sql: string | undefined, values: readonly SQLQueryBindings[]): Promise<readonly Row[]> => {
    const reply = await replyOf(worker, signal, { opening, cancelled, milliseconds, sql, values })
    collectWhenLarge()
    if (reply.message !== undefined) throw new SqliteProblem(reply.code ?? 'SQLITE_ERROR', reply.message)
    return reply.rows ?? []
  }
  const abandon = () => {
    Atomics.store(cancelled, 0, 1)
    Atomics.notify(cancelled, 0)
    worker.unref()
  }
  signal.addEventListener('abort', abandon, { once: true })
  return {
    rows: (sql, ...values) => ask(sql, values),
    close: async () => {
      if (signal.aborted) return
      await ask(undefined, [])
      signal.removeEventListener('abort', abandon)
      end()
    },
  }
}

function replyOf(worker: Worker, signal: AbortSignal, message: unknown): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(signal.reason)
    if (signal.aborted) return onAbort()
    signal.addEventListener('abort', onAbort, { once: true })
    const settle = (act: () => void) => {
      signal.removeEventListener('abort', onAbort)
      act()
    }
    worker.onmessage = (event: MessageEvent<Reply>) => settle(() => resolve(event.data))
    worker.onerror = (event) => settle(() => reject(new SqliteProblem('SQLITE_ERROR', event.message)))
    worker.postMessage(message)
  })
}

/** Runs `work` on a connection that is closed afterwards, whatever happens. */
export async function inThread<T>(
  signal: AbortSignal,
  opening: Opening,
  work: (connection: Connection) => Promise<T>,
): Promise<T> {
  const connection = openInThread(signal, opening)
  try {
    return await work(connection)
  } finally {
    await connection.close().catch(() => undefined)
  }
}
