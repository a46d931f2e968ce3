import { readFileSync } from 'node:fs'

/** Watches the most memory that a process ever held, in bytes; to be asked after its end. */
export function watchPeak(pid: number): () => number {
  let peak = 0
  const look = () => {
    const status = statusOf(pid)
    peak = Math.max(peak, Number(/^VmHWM:\s+(\d+) kB/m.exec(status)?.[1] ?? 0) * 1024)
  }
  const timer = setInterval(look, 10)
  return () => {
    clearInterval(timer)
    return peak
  }
}

function statusOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/status`, 'utf8')
  } catch {
    return '' // ended
  }
}
