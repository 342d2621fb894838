import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { WebSocketServer } from 'ws'
import type { RawData, WebSocket } from 'ws'
import { SessionBoard } from './session-board.ts'
import type { Frame } from './session-board.ts'

/** A receiver that runs. */
export interface Receiver {
  /** Where an inspector connects. */
  readonly url: string
  /** Where a browser looks. */
  readonly page: string
  /** Settles when the first inspector is there. */
  readonly connected: Promise<void>
  close(): Promise<void>
}

const watchPath = '/watch'

/** Listens on a free port of this machine alone: inspectors connect to `/`, pages to `/watch`, and get what inspectors send. */
export async function startReceiver({ onFrame }: { readonly onFrame: (frame: Frame) => void }): Promise<Receiver> {
  const board = new SessionBoard()
  const watchers = new Set<WebSocket>()
  const page = await readFile(join(import.meta.dirname, 'page.html'))
  const http = createServer((_, response) =>
    response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' }).end(page),
  )
  const sockets = new WebSocketServer({ server: http })
  const inspectors = Promise.withResolvers<void>()

  const receive = (data: RawData): void => {
    const frame = JSON.parse(String(data)) as Frame
    board.keep(frame)
    onFrame(frame)
    for (const watcher of watchers) watcher.send(JSON.stringify(frame))
  }

  sockets.on('connection', (socket, request) => {
    if (request.url === watchPath) {
      for (const frame of board.frames) socket.send(JSON.stringify(frame))
      watchers.add(socket)
      socket.on('close', () => watchers.delete(socket))
    } else {
      socket.on('message', receive)
      // The other side hears of the connection a moment later.
      setTimeout(() => inspectors.resolve(), 50)
    }
  })

  http.listen(0, '127.0.0.1')
  await once(http, 'listening')
  const { port } = http.address() as AddressInfo
  return {
    url: `ws://127.0.0.1:${port}`,
    page: `http://127.0.0.1:${port}`,
    connected: inspectors.promise,
    async close() {
      for (const socket of sockets.clients) socket.terminate()
      http.closeAllConnections()
      await new Promise((resolve) => http.close(resolve))
    },
  }
}
