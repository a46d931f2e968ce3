import type { Io } from './io.ts'

/**
 * Runs `work` with a signal that is aborted after `seconds` too, with `reason`. Throws the signal's reason as soon as it
 * is aborted, whatever `work` does then.
 */
export async function within<T>(io: Io, seconds: number, reason: Error, work: (io: Io) => Promise<T>): Promise<T> {
  io.signal.throwIfAborted()
  const limit = new AbortController()
  const signal = AbortSignal.any([io.signal, limit.signal])
  const ended = Promise.withResolvers<never>()
  signal.addEventListener('abort', () => ended.reject(signal.reason), { once: true })
  const timer = setTimeout(() => limit.abort(reason), seconds * 1000)
  try {
    return await Promise.race([work({ ...io, signal }), ended.promise])
  } finally {
    clearTimeout(timer)
  }
}
