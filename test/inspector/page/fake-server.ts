import { createServer } from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { WebSocketServer } from 'ws'
import type { WebSocket } from 'ws'
import { pageFile } from '../../../src/inspector/page-file.ts'
import type { About, Act, ActOutcomes, ExecutionFilter, ExecutionRow } from '../../../src/inspector/protocol.ts'
import type { FleetView } from '../../../src/inspector/fleet-protocol.ts'
import type { ExecutionView, ForeignActors, LiveFrame } from '../../../src/inspector/protocol.ts'
import type { MachineView, MailboxView, PageFrame, StartForm, ValueView } from '../../../src/inspector/protocol.ts'

/** What the server answers with: tests change it as they like. */
export interface World {
  about: About
  rows: ExecutionRow[]
  readonly views: Map<string, ExecutionView>
  fleet: FleetView
  foreign: ForeignActors
  readonly machines: Map<string, MachineView>
  readonly values: Map<string, ValueView>
  form: StartForm
  readonly mailboxes: ReadonlyMap<string, MailboxView>
  why: (id: string, step: string | undefined) => string
  act: (act: Act) => ActOutcomes
}

/** Speaks the page's protocol, and answers from what a test gives it: the states that a real docket is in for a moment only. */
export class FakeServer implements AsyncDisposable {
  token = 'fake-token-of-the-page'
  readonly world: World
  /** Paths of what was requested, in order. */
  readonly requests: string[] = []
  readonly acts: Act[] = []
  readonly watched: PageFrame[] = []
  /** While there is one, every request is refused with it, as where the store is away. */
  problem: string | undefined
  /** Until then, nothing but the page itself is answered. */
  held: Promise<void> | undefined
  readonly #http = createServer((request, response) => void this.#answer(request, response))
  readonly #sockets = new WebSocketServer({ noServer: true })
  #isDown = false
  #seq = 100

  constructor(world: World) {
    this.world = world
    this.#http.on('upgrade', (request, socket, head) => {
      if (this.#isDown) socket.destroy()
      else this.#sockets.handleUpgrade(request, socket, head, (page) => this.#accept(page))
    })
  }

  async listen(): Promise<this> {
    await new Promise<void>((resolve) => this.#http.listen(0, '127.0.0.1', resolve))
    return this
  }

  /** The address of a route, with the token. */
  url(query = ''): string {
    return `http://127.0.0.1:${(this.#http.address() as AddressInfo).port}/${query}#token=${this.token}`
  }

  /** Sends a frame to every page; its number is given. */
  send(frame: LiveFrame extends infer One ? (One extends LiveFrame ? Omit<One, 'seq'> : never) : never): void {
    const text = JSON.stringify({ ...frame, seq: ++this.#seq })
    for (const page of this.#sockets.clients) page.send(text)
  }

  /** The number that answers carry. */
  get seq(): number {
    return this.#seq
  }

  /** Cuts every connection, and lets none in until `up`. */
  down(): void {
    this.#isDown = true
    for (const page of this.#sockets.clients) page.terminate()
  }

  up(): void {
    this.#isDown = false
  }

  /** Another process in its place: its numbers begin anew. */
  startAnew(): void {
    this.#seq = 0
    this.up()
  }

  get pages(): number {
    return this.#sockets.clients.size
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.down()
    this.#http.closeAllConnections()
    await new Promise((resolve) => this.#http.close(resolve))
  }

  #accept(page: WebSocket): void {
    page.on('message', (data) => {
      const frame = JSON.parse(String(data)) as PageFrame
      if (frame.type === 'token' && frame.token !== this.token) page.close(1008)
      else if (frame.type === 'token') page.send(JSON.stringify({ type: 'ready' }))
      else this.watched.push(frame)
    })
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', 'http://page')
    if (this.#isDown) {
      request.socket.destroy()
      return
    }
    if (url.pathname === '/') {
      const { html, policy } = await pageFile()
      response.writeHead(200, { 'content-type': 'text/html; charset=utf-8', 'content-security-policy': policy })
      response.end(html)
      return
    }
    this.requests.push(url.pathname + url.search)
    await this.held
    if (this.#isDown) {
      request.socket.destroy()
      return
    }
    const isKnown = request.headers['x-docket-token'] === this.token
    let body = ''
    for await (const chunk of request) body += String(chunk)
    const [status, answer] = isKnown ? this.#api(url, body) : [401, refusal('open the page by its whole URL')]
    response.writeHead(status, { 'content-type': 'application/json' })
    response.end(JSON.stringify(answer))
  }

  #api(url: URL, body: string): readonly [status: number, answer: unknown] {
    const { world } = this
    if (this.problem !== undefined) return [503, refusal(this.problem)]
    const get = (name: string): string | undefined => url.searchParams.get(name) ?? undefined
    const id = get('id') ?? ''
    switch (url.pathname) {
      case '/api/about':
        return [200, world.about]
      case '/api/executions':
        return [200, this.#page(filterIn(url), get('after'))]
      case '/api/counts':
        return [200, { counts: countsOf(matching(world.rows, filterIn(url))) }]
      case '/api/execution': {
        const view = world.views.get(id)
        return view === undefined ? [404, refusal('there is no such execution')] : [200, { ...view, seq: this.#seq }]
      }
      case '/api/value': {
        const value = world.values.get(get('type') ?? get('step') ?? get('of') ?? '')
        return value === undefined ? [404, refusal('there is no such value')] : [200, value]
      }
      case '/api/mailbox':
        return [200, world.mailboxes.get(id + (get('after') ?? '')) ?? { messages: [] }]
      case '/api/why':
        return [200, { text: world.why(id, get('step')), code: 'made.up' }]
      case '/api/machine': {
        const machine = world.machines.get(get('step') ?? '')
        return machine === undefined ? [404, refusal('the plan of this step is not known here')] : [200, machine]
      }
      case '/api/form':
        return [200, world.form]
      case '/api/fleet':
        return [200, world.fleet]
      case '/api/foreign':
        return [200, world.foreign]
      case '/api/acts': {
        const act = JSON.parse(body) as Act
        this.acts.push(act)
        return [200, world.act(act)]
      }
      default:
        return [404, refusal('there is nothing here')]
    }
  }

  #page(filter: ExecutionFilter, after: string | undefined): unknown {
    const rows = matching(this.world.rows, filter)
    const from = after === undefined ? 0 : Number(after)
    const looked = rows.slice(from, from + 100)
    // As the real one, which has no index of that: a page is what is found among those that it looks through.
    const { waitsFor } = filter
    const executions = waitsFor === undefined ? looked : looked.filter(({ key }) => key === waitsFor)
    return { executions, ...(from + 100 < rows.length && { next: String(from + 100) }) }
  }
}

function refusal(message: string): unknown {
  return { error: { message } }
}

function filterIn(url: URL): ExecutionFilter {
  return Object.fromEntries(url.searchParams) as ExecutionFilter
}

function matching(rows: readonly ExecutionRow[], filter: ExecutionFilter): readonly ExecutionRow[] {
  const { status, graph, queue, key, from, before, errorCode } = filter
  return rows.filter(
    (row) =>
      (status === undefined || status.split(',').includes(row.status)) &&
      (graph === undefined || row.graph === graph) &&
      (queue === undefined || row.queue === queue) &&
      (key === undefined || row.key === key) &&
      (from === undefined || row.createdAt >= from) &&
      (before === undefined || row.createdAt < before) &&
      (errorCode === undefined || row.error?.code === errorCode),
  )
}

function countsOf(rows: readonly ExecutionRow[]): Record<string, { count: number; isMore: boolean }> {
  const counts: Record<string, { count: number; isMore: boolean }> = {}
  for (const { status } of rows) (counts[status] ??= { count: 0, isMore: false }).count++
  return counts
}
