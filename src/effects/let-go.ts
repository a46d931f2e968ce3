/**
 * Frees the memory of a chunk that nobody reads any more, if all of it is the chunk's own. The collector comes round only
 * after tens of megabytes, and takes the time of the stream.
 */
function letGo({ buffer, byteLength }: Uint8Array): void {
  if (buffer instanceof ArrayBuffer && byteLength > 0 && byteLength === buffer.byteLength) buffer.transfer(0)
}

/** The same chunks, each let go when the next one is asked for. */
export async function* lettingGo(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  for await (const chunk of chunks) {
    yield chunk
    letGo(chunk)
  }
}
