import { type BigIntStats, closeSync, fstatSync, openSync, readSync, statfsSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Io } from '../../effects/io.ts'
import { RowDigest } from '../digest.ts'
import type { ChangeMark } from '../engine.ts'
import { isBusy, leavingNoTrace, type Reading } from './access.ts'
import { headerBytes, readHeader } from './header.ts'
import { inThread } from './thread.ts'
import { walIndexBytes, walPositionOf } from './wal-index.ts'

/**
 * What any change of a database file changes: the counters that SQLite keeps in the file and in the index of its WAL,
 * and the inode and the times that the kernel keeps. Undefined where these are not to be relied on: on a file system of
 * another machine, and where no lock can be taken. Why each of them is needed: docs/backups.md.
 */
export async function changeMarkOf(io: Io, path: string, reading: Reading): Promise<ChangeMark | undefined> {
  if (reading.immutable || !isLocal(path) || !isLocal(dirname(path))) return undefined
  const descriptors: number[] = []
  const open = (file: string) => {
    const descriptor = openSync(file, 'r')
    descriptors.push(descriptor)
    return descriptor
  }
  try {
    return await leavingNoTrace(io.signal, path, () => lockedMark(io, path, reading, open))
  } catch (error) {
    if (isBusy(error)) return unsettled('another program holds the file for itself')
    throw error
  } finally {
    // Closing any of them drops the locks of our whole process on that file: only now are there none.
    for (const descriptor of descriptors) closeSync(descriptor)
  }
}

type Open = (file: string) => number

const lockSeconds = 1

async function lockedMark(io: Io, path: string, reading: Reading, open: Open): Promise<ChangeMark> {
  const file = open(path)
  await passTick(fstatSync(file, { bigint: true }))
  return inThread(io.signal, { ...reading.opening, seconds: lockSeconds }, async (connection) => {
    await connection.rows('BEGIN')
    // Takes the lock that keeps writers out, or fixes the end of the WAL.
    await connection.rows('SELECT count(*) FROM sqlite_schema')
    return markOf(path, file, open)
  })
}

function markOf(path: string, file: number, open: Open): ChangeMark {
  const facts = fstatSync(file, { bigint: true })
  if (ageOf(facts) < tickMilliseconds) return unsettled('the file was changed at this very moment, or in the future')
  const beginning = beginningOf(file, headerBytes)
  const wal = readHeader(beginning)?.wal === true ? walMark(path, open) : 'none'
  if (wal === undefined) return unsettled('another program is writing to the database')
  return { values: { ...fileMark(facts), header: digestOf(beginning), wal } }
}

function unsettled(why: string): ChangeMark {
  return { values: {}, unsettled: why }
}

function fileMark({ dev, ino, size, mtimeNs, ctimeNs }: BigIntStats) {
  return { file: `${dev}:${ino}`, bytes: `${size}`, modified: `${mtimeNs}`, changed: `${ctimeNs}` }
}

// In WAL mode a commit leaves the database's own file as it is.
function walMark(path: string, open: Open): string | undefined {
  const position = walPositionOf(beginningOf(open(`${path}-shm`), walIndexBytes))
  if (position === undefined || position.frames === 0) return position && 'none'
  // Not the time of its last change: SQLite sets the owner of a WAL whenever root opens it.
  const { file, bytes, modified } = fileMark(statSync(`${path}-wal`, { bigint: true }))
  return [position.text, file, bytes, modified].join(' ')
}

function beginningOf(file: number, bytes: number): Uint8Array {
  const buffer = new Uint8Array(bytes)
  return buffer.subarray(0, readSync(file, buffer, 0, bytes, 0))
}

function digestOf(bytes: Uint8Array): string {
  const digest = new RowDigest()
  digest.row(bytes)
  return digest.toString()
}

// The kernel's clock for files ticks a hundred times a second, or oftener: two changes within a tick have one time.
const tickMilliseconds = 20

/** Waits until a later change would have a later time. */
async function passTick(facts: BigIntStats): Promise<void> {
  const age = ageOf(facts)
  if (age >= 0 && age < tickMilliseconds) await sleep(tickMilliseconds - age + 1)
}

/** Milliseconds since the last change; negative where the clock was set back since. */
function ageOf({ ctimeNs }: BigIntStats): number {
  return Date.now() - Number(ctimeNs / 1_000_000n)
}

// From <linux/magic.h>: ext2 to ext4, XFS, Btrfs, tmpfs, overlayfs, ZFS, F2FS, bcachefs.
const localTypes = new Set([0xef53, 0x58465342, 0x9123683e, 0x01021994, 0x794c7630, 0x2fc12fc1, 0xf2f52010, 0xca451a4e])

/** Whether this kernel alone writes to the file, and keeps its times. Another machine's clock and caches prove nothing. */
function isLocal(path: string): boolean {
  return process.platform === 'linux' && localTypes.has(statfsSync(path).type >>> 0)
}
