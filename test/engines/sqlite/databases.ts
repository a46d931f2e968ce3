import { Database } from 'bun:sqlite'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Io } from '../../../src/effects/io.ts'
import type { DumpResult, Session } from '../../../src/engines/engine.ts'
import { sqlite } from '../../../src/engines/sqlite/engine.ts'
import type { Failure } from '../../../src/failure.ts'
import type { FileTarget } from '../../../src/target/target.ts'

/** A folder of its own, removed at the end of the scope: `using folder = temporaryFolder()`. */
export function temporaryFolder() {
  const path = mkdtempSync(join(tmpdir(), 'seatbelt-sqlite-'))
  return {
    path,
    at: (name: string) => join(path, name),
    names: () => readdirSync(path).sort(),
    [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }),
  }
}

const silent = {
  interactive: false,
  drawable: false,
  columns: 80,
  say: () => {},
  detail: () => {},
  warn: () => {},
  result: () => {},
  style: (_: string, text: string) => text,
}

export function ioWith(signal: AbortSignal = new AbortController().signal): Io {
  return { environment: {}, cwd: '/', now: () => new Date(), terminal: silent, signal }
}

export function target(database: string): FileTarget {
  return { engine: 'sqlite', database, source: { kind: 'flag', label: '--database-url', keys: [], labels: {} } }
}

/** Makes a database by SQL. */
export function make(path: string, ...statements: readonly string[]): string {
  const database = new Database(path)
  for (const statement of statements) database.run(statement)
  database.close(true)
  return path
}

/** The first column of every row. */
export function column(path: string, sql: string): readonly unknown[] {
  const database = new Database(path, { readwrite: true })
  const values = database
    .prepare(sql)
    .values()
    .map((row) => row[0])
  database.close(true)
  return values
}

export async function opened(path: string, io = ioWith()): Promise<Session> {
  const session = await sqlite.connect(io, target(path))
  if (session.state === 'nothing') throw new Error(session.reason)
  return session
}

/** Backs `path` up into `copy`. */
export async function copyOf(path: string, copy: string, io = ioWith()): Promise<DumpResult> {
  const session = await opened(path, io)
  try {
    const dump = await session.dump()
    if (dump.kind !== 'file') throw new Error('a stream')
    return await (await dump.write(copy)).check()
  } finally {
    await session.close()
  }
}

/** The bytes of a file, in chunks that fit nothing. */
export function contentOf(path: string) {
  return async function* () {
    const bytes = await Bun.file(path).bytes()
    for (let start = 0; start < bytes.length; start += 65_537) yield bytes.subarray(start, start + 65_537)
  }
}

export function restored(path: string, copy: string, dumped?: DumpResult, io = ioWith()) {
  return sqlite.restore(io, {
    target: target(path),
    content: contentOf(copy),
    ...(dumped === undefined ? {} : { tables: dumped.tables }),
    properties: dumped?.properties ?? {},
    step: () => {},
  })
}

/** The failure that a promise ends with. */
export async function failureOf(work: Promise<unknown>): Promise<Failure> {
  return work.then(
    (value) => {
      throw new Error(`it worked: ${JSON.stringify(value)}`)
    },
    (error) => error,
  )
}

/** Runs JavaScript in a process of its own, and waits until it prints `ready`. It ends with the scope. */
export async function otherProcess(script: string, ...args: readonly string[]) {
  const child = Bun.spawn([process.execPath, '--no-env-file', '-e', script, ...args], {
    stdout: 'pipe',
    stderr: 'pipe',
  })
  const reader = child.stdout.getReader()
  let said = ''
  while (!said.includes('ready')) {
    const { value, done } = await reader.read()
    if (done) throw new Error(`the other process ended: ${await new Response(child.stderr).text()}`)
    said += new TextDecoder().decode(value)
  }
  return {
    pid: child.pid,
    kill: async (signal: NodeJS.Signals = 'SIGKILL') => {
      child.kill(signal)
      await child.exited
    },
    [Symbol.asyncDispose]: async () => {
      child.kill('SIGKILL')
      await child.exited
    },
  }
}

/** Another program that has the database open and does what it is told, until the scope ends. */
export async function programOn(path: string) {
  const script = `const { Database } = require('bun:sqlite'); const d = new Database(process.argv[1]); d.run('PRAGMA busy_timeout = 5000')
    for await (const line of console) console.log(JSON.stringify(d.query(JSON.parse(line)).all()))`
  const child = Bun.spawn([process.execPath, '--no-env-file', '-e', script, path], {
    stdin: 'pipe',
    stdout: 'pipe',
    stderr: 'pipe',
  })
  const reader = child.stdout.getReader()
  return {
    pid: child.pid,
    run: async (...statements: readonly string[]): Promise<void> => {
      for (const statement of statements) {
        child.stdin.write(`${JSON.stringify(statement)}\n`)
        await child.stdin.flush()
        if ((await reader.read()).done) throw new Error(await new Response(child.stderr).text())
      }
    },
    [Symbol.asyncDispose]: async () => {
      child.kill('SIGKILL')
      await child.exited
    },
  }
}
