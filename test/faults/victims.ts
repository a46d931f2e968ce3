import { readdirSync, readFileSync } from 'node:fs'

/** The processes below one, itself left out, with what they are called. */
export function descendantsOf(pid: number): readonly { readonly pid: number; readonly name: string }[] {
  const all = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap(processOf)
  const below = (parent: number): typeof all =>
    all.filter((one) => one.parent === parent).flatMap((one) => [one, ...below(one.pid)])
  return below(pid)
}

function processOf(pid: string): readonly { pid: number; parent: number; name: string }[] {
  try {
    const status = readFileSync(`/proc/${pid}/stat`, 'utf8')
    const [, name, parent] = /^\d+ \((.*)\) \S (\d+)/s.exec(status) ?? []
    return name === undefined ? [] : [{ pid: Number(pid), parent: Number(parent), name }]
  } catch {
    return [] // ended meanwhile
  }
}

/** Sends SIGKILL; false where it was gone already. */
export function killHard(pid: number): boolean {
  try {
    return process.kill(pid, 'SIGKILL')
  } catch {
    return false
  }
}
