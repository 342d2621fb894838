import { createServer } from 'node:http'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import { describeThrown } from '../core/thrown.ts'
import type { Gate, Refused } from './gate.ts'
import { securityHeaders } from './security-headers.ts'
import { getRequestListener, WebSocketServer } from './web-packages.ts'
import type { WebSocket } from './web-packages.ts'

/** A WebSocket that may be opened. */
export interface SocketRoute {
  /** Programs say neither where they come from nor who they are: their path does. */
  readonly kind: 'upgrade' | 'program'
  /** The longest message, in bytes. */
  readonly maxPayload: number
  readonly accept: (socket: WebSocket) => void
}

/** What a web server answers with. */
export interface Answers {
  readonly gate: () => Gate
  readonly fetch: (request: Request) => Response | Promise<Response>
  /** Undefined where there is nothing to be opened at a path. */
  readonly socketAt: (path: string) => SocketRoute | undefined
}

/** How long requests may take, and how often that is looked at. */
interface Patience {
  readonly headersMs: number
  readonly requestMs: number
  readonly idleMs: number
  readonly lookMs: number
}

const usualPatience: Patience = { headersMs: 10_000, requestMs: 20_000, idleMs: 5_000, lookMs: 2_000 }
const mostConnections = 256

/** A server for pages of this machine: slow, large and endless requests are bounded, and nothing is answered that the gate refuses. */
export class WebServer {
  readonly #server: Server
  readonly #answers: Answers
  readonly #sockets = new Map<number, WebSocketServer>()

  constructor(answers: Answers, patience = usualPatience) {
    this.#answers = answers
    const listener = getRequestListener((request) => answers.fetch(request), {
      overrideGlobalObjects: false,
      errorHandler: () => new Response(null, { status: 400 }),
    })
    this.#server = createServer(
      {
        headersTimeout: patience.headersMs,
        requestTimeout: patience.requestMs,
        keepAliveTimeout: patience.idleMs,
        connectionsCheckingInterval: patience.lookMs,
        maxHeaderSize: 16_384,
      },
      (request, response) => this.#answer(request, response, listener),
    )
    this.#server.maxConnections = mostConnections
    this.#server.on('upgrade', (request, socket, head) => this.#upgrade(request, socket, head))
  }

  /** `onListening` is called before anything is answered. @returns the port @throws (as rejection) what listening fails with */
  async listen(port: number, host: string, onListening: (port: number) => void): Promise<number> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject)
      this.#server.listen(port, host, () => {
        this.#server.off('error', reject)
        // As where the process has no file left for one more connection: whoever is connected stays so.
        this.#server.on('error', (error) =>
          process.emitWarning(
            `the inspector could not take a connection. ${describeThrown(error)}`,
            'DocketInspectorWarning',
          ),
        )
        onListening((this.#server.address() as AddressInfo).port)
        resolve()
      })
    })
    return (this.#server.address() as AddressInfo).port
  }

  async close(): Promise<void> {
    for (const sockets of this.#sockets.values()) for (const socket of sockets.clients) socket.terminate()
    await new Promise<void>((resolve) => {
      this.#server.close(() => resolve())
      this.#server.closeAllConnections()
    })
  }

  #answer(
    request: IncomingMessage,
    response: ServerResponse,
    listener: (request: IncomingMessage, response: ServerResponse) => Promise<void>,
  ): void {
    for (const [name, value] of Object.entries(securityHeaders)) response.setHeader(name, value)
    const refused = this.#answers.gate().refusalOf(request, 'request')
    if (refused === undefined) void listener(request, response)
    else {
      response.writeHead(refused.status, { 'content-type': 'application/json', connection: 'close' })
      response.end(bodyOf(refused))
    }
  }

  #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    // What is sent to one that is gone must not end the process.
    socket.on('error', () => socket.destroy())
    const { url = '' } = request
    const route = url.startsWith('/') ? this.#answers.socketAt(url) : undefined
    const refused = this.#answers.gate().refusalOf(request, route?.kind ?? 'upgrade')
    if (refused !== undefined) return refuse(socket, refused.status, bodyOf(refused))
    if (route === undefined) return refuse(socket, 404, bodyOf({ message: 'there is nothing to open here' }))
    const { maxPayload } = route
    let sockets = this.#sockets.get(maxPayload)
    if (sockets === undefined) {
      sockets = new WebSocketServer({ noServer: true, maxPayload, perMessageDeflate: false, clientTracking: true })
      this.#sockets.set(maxPayload, sockets)
    }
    sockets.handleUpgrade(request, socket, head, (opened) => {
      opened.on('error', () => opened.terminate())
      route.accept(opened)
    })
  }
}

const reasons: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
}

function refuse(socket: Duplex, status: number, body: string): void {
  const headers = {
    ...securityHeaders,
    'content-type': 'application/json',
    'content-length': String(Buffer.byteLength(body)),
    connection: 'close',
  }
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
  socket.end(`HTTP/1.1 ${status} ${reasons[status]!}\r\n${lines.join('')}\r\n${body}`, () => socket.destroy())
}

function bodyOf({ message }: Pick<Refused, 'message'>): string {
  return JSON.stringify({ error: { message } })
}
