import { AsyncResource } from 'node:async_hooks'
import { acceptPage } from './live-socket.ts'
import { createApp } from './app.ts'
import { ForeignActors } from './foreign-actors.ts'
import { Gate } from './gate.ts'
import { Hub } from './hub.ts'
import { Intake } from './intake.ts'
import { inUrl, isWildcard } from './loopback.ts'
import { resolveOptions } from './options.ts'
import type { InspectorOptions } from './options.ts'
import { Pacer } from './pacer.ts'
import { pageFile } from './page-file.ts'
import type { About } from './protocol.ts'
import { Token } from './token.ts'
import { WebServer } from './web-server.ts'
import type { SocketRoute } from './web-server.ts'
import type { WebSocket } from './web-packages.ts'

/** A page that shows a docket, and lives until it is closed. */
export interface Inspector extends AsyncDisposable {
  /** To be opened in a browser: the token is in its fragment, which browsers send to nobody. */
  readonly url: string
  /** The port that it listens on. */
  readonly port: number
  /**
   * Where other programs may send what happens in their actors, as `createWebSocketInspector({ url })` of `@statelyai/inspect` does. It lets them send, and see
   * nothing. Undefined without `ingest`.
   */
  readonly ingestUrl: string | undefined
  /** Closes the page's server and its connections; the docket stays open. */
  close(): Promise<void>
}

const maxPayload = { page: 16 * 1024, program: 4 * 1024 * 1024 } as const
const mostPrograms = 16

/**
 * Serves a page on this machine that shows what a docket does, and, with `allowActions`, does something about it. While nobody looks it costs nothing.
 *
 * @example
 * await using inspector = await createInspector({ docket })
 * console.log(inspector.url)
 * @throws (as rejection) OptionError with all problems; what listening on the port fails with
 */
export async function createInspector(options: InspectorOptions): Promise<Inspector> {
  const {
    docket,
    port,
    host,
    allowActions,
    user,
    origins,
    ingest,

    token: given,
  } = resolveOptions(options)
  const token = new Token(given)
  const ingestToken = ingest ? token.derived('ingest') : undefined
  const hub = new Hub(docket)
  const foreignPacer = new Pacer(() => hub.showAll((seq) => ({ type: 'foreign', seq })), { leastMs: 1_000 })
  const foreign = new ForeignActors(() => foreignPacer.call())
  const about = (): About => {
    const { name, store, version = '', graphs, runsExecutions } = docket.about()
    return {
      name,
      store,
      version,
      allowsActions: allowActions,
      isLive: runsExecutions,
      graphs: graphs.map((graph) => ({
        name: graph.name,
        targets: [...new Set(graph.steps.map(({ output }) => output.name))],
      })),
      takesForeign: ingest,
    }
  }
  const app = createApp({
    docket,
    token,
    about,
    user,
    allowsActions: allowActions,
    seq: () => hub.seq,
    foreign: (id) => foreign.shown(id),
    page: pageFile,
    onActed: () => hub.call(),
  })
  const routes = new Map<string, SocketRoute>([
    ['/api/live', { kind: 'upgrade', maxPayload: maxPayload.page, accept: (socket) => acceptPage(socket, hub, token) }],
  ])
  let programs = 0
  const acceptProgram = (socket: WebSocket): void => {
    if (programs >= mostPrograms) return socket.close(1013, 'too many programs are connected')
    programs++
    const { take, leave, leaveOut } = foreign.connect()
    const intake = new Intake(socket, { take, leaveOut, programs: () => programs })
    socket.on('message', (data, isBinary) => {
      // By default a message is one buffer.
      if (!isBinary && data instanceof Buffer) intake.receive(data)
    })
    socket.on('close', () => {
      programs--
      intake.stop()
      leave()
    })
  }
  const program: SocketRoute = { kind: 'program', maxPayload: maxPayload.program, accept: acceptProgram }
  let gate: Gate | undefined
  // Requests are nobody's: not that of whoever makes the server in the middle of one.
  const outside = new AsyncResource('docket-inspector')
  const server = new WebServer({
    gate: () => gate!,
    fetch: (request) => outside.runInAsyncScope(() => app.fetch(request)),
    socketAt: (path) => {
      const route = routes.get(path)
      if (route !== undefined || ingestToken === undefined) return route
      const [, name] = /^\/ingest\/([\w-]+)$/.exec(path) ?? []
      return name !== undefined && ingestToken.matches(name) ? program : undefined
    },
  })
  // Nothing is answered before it is known under which port.
  const listening = await server.listen(port, host, (chosen) => (gate = new Gate({ host, port: chosen, origins })))
  const name = isWildcard(host) ? '127.0.0.1' : inUrl(host)
  const close = async (): Promise<void> => {
    hub.close()
    foreignPacer.stop()
    await server.close()
  }
  return {
    url: `http://${name}:${listening}/#token=${token.text}`,
    port: listening,
    ingestUrl: ingestToken && `ws://${name}:${listening}/ingest/${ingestToken.text}`,
    close,
    [Symbol.asyncDispose]: close,
  }
}
