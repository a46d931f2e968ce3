import { startThread } from './thread.ts'

/** SHA-256 as hex. */
export type FileHash = { readonly sha256: string; readonly bytes: number }

type Reply = FileHash | { readonly code?: string; readonly message: string }

const threadSource = `
import { createHash } from 'node:crypto'
import { closeSync, openSync, readSync } from 'node:fs'
const hashOf = (path) => {
  const file = openSync(path, 'r')
  try {
    const hash = createHash('sha256')
    const buffer = Buffer.allocUnsafeSlow(256 * 1024)
    let bytes = 0
    for (;;) {
      const read = readSync(file, buffer)
      if (read === 0) return { sha256: hash.digest('hex'), bytes }
      hash.update(buffer.subarray(0, read))
      bytes += read
    }
  } finally {
    closeSync(file)
  }
}
self.onmessage = ({ data: path }) => {
  try {
    postMessage(hashOf(path))
  } catch (error) {
    postMessage({ code: error.code, message: error.message })
  }
}
`

/** Hashes a file in a thread of its own, so that what else is to be done with it takes no time of its own. */
export async function hashFile(signal: AbortSignal, path: string): Promise<FileHash> {
  signal.throwIfAborted()
  const { worker, end } = startThread(threadSource)
  const { promise, resolve, reject } = Promise.withResolvers<Reply>()
  const onAbort = () => reject(signal.reason)
  signal.addEventListener('abort', onAbort)
  worker.onmessage = (event: MessageEvent<Reply>) => resolve(event.data)
  worker.onerror = (event) => reject(new Error(event.message))
  worker.postMessage(path)
  try {
    const reply = await promise
    if ('message' in reply) throw Object.assign(new Error(reply.message), { code: reply.code })
    return reply
  } finally {
    signal.removeEventListener('abort', onAbort)
    end()
  }
}
