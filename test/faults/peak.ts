import { readFileSync } from 'node:fs'

// getrusage counts the memory of whoever started the process in, and that of its children: the kernel's own mark does not.
/** Watches the most memory that a process ever held, in bytes; 0 where that is not known. To be asked after its end. */
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
