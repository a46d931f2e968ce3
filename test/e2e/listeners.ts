import { createServer, type Socket } from 'node:net'
import { onTestFinished } from 'vitest'

export type Listener = { readonly port: number; readonly calls: () => number }

/** Something that listens and is no database: `greet` is what it does with a caller. */
export async function listen(greet: (socket: Socket) => void): Promise<Listener> {
  let calls = 0
  const open = new Set<Socket>()
  const server = createServer((socket) => {
    calls++
    open.add(socket)
    socket.on('error', () => undefined)
    greet(socket)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    for (const socket of open) socket.destroy()
    server.close()
  })
  const address = server.address()
  return { port: typeof address === 'object' && address !== null ? address.port : 0, calls: () => calls }
}
