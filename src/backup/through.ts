import type { Transform } from 'node:stream'
import { lettingGo } from '../effects/let-go.ts'
import { collectWhenLarge } from '../effects/memory.ts'

/** What a transform makes at once: larger than the default of 16 kB, which costs a fifth of the time. */
export const madeAtOnce = 128 * 1024

/** The chunks through a transform; each that comes in, and each that goes out, is good only until the next is asked for. */
export async function* through(chunks: AsyncIterable<Uint8Array>, transform: Transform): AsyncGenerator<Uint8Array> {
  const feeding = feed(chunks, transform)
  // A failing source ends the transform: whoever reads it gets that error, and this promise is awaited below.
  feeding.catch((error) => transform.destroy(error))
  for await (const chunk of lettingGo(transform)) {
    collectWhenLarge()
    yield chunk
  }
  await feeding
}

async function feed(chunks: AsyncIterable<Uint8Array>, transform: Transform): Promise<void> {
  for await (const chunk of chunks) {
    if (transform.destroyed) return
    await taken(transform, chunk)
  }
  transform.end()
}

// Whoever reads may stop (a full disk) while we wait: a destroyed stream may never take it.
async function taken(transform: Transform, chunk: Uint8Array): Promise<void> {
  await new Promise<void>((resolve) => {
    const go = () => {
      transform.off('close', go)
      resolve()
    }
    transform.once('close', go)
    transform.write(chunk, go)
  })
}
