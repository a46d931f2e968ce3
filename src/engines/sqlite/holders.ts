import { readdirSync, readFileSync, statSync } from 'node:fs'

/** A process that has the file open. */
export type Holder = { readonly pid: number; readonly program: string }

/**
 * Other processes with an open handle on the file, by inode (names differ between containers). Undefined where the
 * system has no /proc. Processes of other users are seen by root only.
 */
export function holdersOf(path: string): readonly Holder[] | undefined {
  const wanted = inodeOf(path)
  if (wanted === undefined) return []
  const pids = namesIn('/proc').filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
  if (inodeOf('/proc/self/fd') === undefined) return undefined
  return pids.filter((pid) => holds(pid, wanted)).map((pid) => ({ pid: Number(pid), program: programOf(pid) }))
}

function holds(pid: string, inode: string): boolean {
  return namesIn(`/proc/${pid}/fd`).some((fd) => inodeOf(`/proc/${pid}/fd/${fd}`) === inode)
}

function inodeOf(path: string): string | undefined {
  try {
    const { dev, ino } = statSync(path, { bigint: true })
    return `${dev}:${ino}`
  } catch {
    return undefined
  }
}

// A process may end, or be another user's, while we look.
function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}

// Only the program's name: its arguments may hold passwords.
function programOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/comm`, 'utf8').trim()
  } catch {
    return 'a program'
  }
}

/** One line for each holder: `node (process 4711)`. */
export function holderLines(holders: readonly Holder[]): readonly string[] {
  return holders.map((holder) => `${holder.program} (process ${holder.pid}) has the file open`)
}
