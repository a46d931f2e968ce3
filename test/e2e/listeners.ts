import { connect, createServer, type Socket } from 'node:net'
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

/** The way to a server, which can freeze: from then on nobody hears anything any more, and no connection ends. */
export async function wayTo(server: { readonly port: number }): Promise<Listener & { readonly freeze: () => void }> {
  const ways: [Socket, Socket][] = []
  let frozen = false
  const listener = await listen((caller) => {
    if (frozen) return
    const called = connect(server.port, '127.0.0.1')
    called.on('error', () => caller.destroy())
    caller.on('close', () => called.destroy())
    caller.pipe(called).pipe(caller)
    ways.push([caller, called])
  })
  const freeze = () => {
    frozen = true
    for (const [caller, called] of ways) {
      caller.unpipe(called)
      called.unpipe(caller)
    }
  }
  return { ...listener, freeze }
}
