import { connect, createServer } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'

/** The bytes of one direction: what a client sends, or what its server answers. */
export type Direction = 'sent' | 'answered'

/** What a network does to one connection; `after` counts the bytes of a direction from when it begins. */
export type Fate =
  | { readonly kind: 'pass' }
  /** Ends it: by a reset, as a host does that knows nothing of it, or as by a process that dies. */
  | { readonly kind: 'cut'; readonly of: Direction; readonly after: number; readonly how: 'reset' | 'end' }
  /** Neither bytes nor ends get through any more; it is reset after a while, unless that is infinite. */
  | { readonly kind: 'mute'; readonly of: Direction; readonly after: number; readonly forMs: number }
  /** One half is ended, and the other one stays. */
  | { readonly kind: 'half-close'; readonly of: Direction; readonly after: number }
  | { readonly kind: 'delay'; readonly ms: number }
  /** So many bytes come one by one; then whatever was waiting together. */
  | { readonly kind: 'crumble'; readonly bytes: number }

/** A proxy before a server that does to each connection what is decided for it. */
export interface HostileProxy {
  /** The server's URL, by way of the proxy. */
  readonly url: string
  /** From now on each connection, those that are there included, has a fate of its own. */
  begin(fateOf: () => Fate): void
  /** All pass again, but for what is mute, or half closed: nothing brings those back. */
  calm(): void
  stop(): Promise<void>
}

const pass = (): Fate => ({ kind: 'pass' })

export async function startHostileProxy(serverUrl: string): Promise<HostileProxy> {
  const target = new URL(serverUrl)
  const connections = new Set<ProxiedConnection>()
  let fateOf = pass
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (incoming) => {
    const outgoing = connect({
      port: Number(target.port),
      host: target.hostname,
      allowHalfOpen: true,
      noDelay: true,
    })
    const connection = new ProxiedConnection(incoming, outgoing)
    connections.add(connection)
    incoming.on('close', () => connections.delete(connection))
    connection.meet(fateOf())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = new URL(serverUrl)
  url.hostname = '127.0.0.1'
  url.port = String((server.address() as AddressInfo).port)
  return {
    url: url.href,
    begin(given) {
      fateOf = given
      for (const connection of connections) connection.meet(fateOf())
    },
    calm() {
      fateOf = pass
      for (const connection of connections) connection.meet(fateOf())
    },
    async stop() {
      for (const connection of connections) connection.destroy()
      await new Promise<void>((resolve) => server.close(() => resolve()))
    },
  }
}

const directions = ['sent', 'answered'] as const

class ProxiedConnection {
  readonly #from: Readonly<Record<Direction, Socket>>
  readonly #to: Readonly<Record<Direction, Socket>>
  readonly #waiting: Record<Direction, Promise<void>> = { sent: Promise.resolve(), answered: Promise.resolve() }
  /** How much has come in each direction with its present fate. */
  #seen: Record<Direction, number> = { sent: 0, answered: 0 }
  #fate: Fate = { kind: 'pass' }
  #isMute = false
  #reset: NodeJS.Timeout | undefined

  constructor(client: Socket, server: Socket) {
    this.#from = { sent: client, answered: server }
    this.#to = { sent: server, answered: client }
    for (const socket of [client, server]) socket.on('error', () => {})
    // A server finds out in the end that its client has gone.
    client.on('close', () => {
      clearTimeout(this.#reset)
      server.destroy()
    })
    server.on('close', () => {
      if (!this.#isMute) client.destroySoon()
    })
    for (const direction of directions) {
      this.#from[direction].on('data', (data) => this.#came(direction, data))
      this.#from[direction].on('end', () => this.#then(direction, async () => this.#end(direction)))
    }
  }

  meet(fate: Fate): void {
    // What is mute already is not heard of again.
    if (this.#isMute) return
    this.#fate = fate
    this.#seen = { sent: 0, answered: 0 }
    if ('after' in fate && fate.after === 0) this.#happen(fate)
  }

  destroy(): void {
    for (const direction of directions) this.#from[direction].destroy()
  }

  #came(direction: Direction, data: Buffer): void {
    if (this.#isMute) return
    const fate = this.#fate
    if (!('after' in fate) || fate.of !== direction) return this.#pass(direction, data)
    const left = fate.after - this.#seen[direction]
    this.#seen[direction] += data.length
    this.#pass(direction, data.subarray(0, Math.max(0, left)))
    if (left > data.length) return
    this.#then(direction, async () => this.#happen(fate))
  }

  #happen(fate: Extract<Fate, { readonly after: number }>): void {
    const { sent: client, answered: server } = this.#from
    if (fate.kind === 'half-close') return void this.#to[fate.of].end()
    if (fate.kind === 'mute') {
      this.#isMute = true
      if (fate.forMs < Infinity) this.#reset = setTimeout(() => client.resetAndDestroy(), fate.forMs)
      return
    }
    if (fate.how === 'end') client.destroySoon()
    else client.resetAndDestroy()
    server.destroy()
  }

  #pass(direction: Direction, data: Buffer): void {
    const fate = this.#fate
    const arrived = fate.kind === 'delay' ? later(fate.ms) : undefined
    this.#then(direction, async () => {
      await arrived
      const crumbs = fate.kind === 'crumble' ? Math.max(0, fate.bytes - this.#seen[direction]) : 0
      if (fate.kind === 'crumble') this.#seen[direction] += Math.min(crumbs, data.length)
      for (let at = 0; at < Math.min(crumbs, data.length); at++) {
        this.#write(direction, data.subarray(at, at + 1))
        await later(0)
      }
      this.#write(direction, data.subarray(crumbs))
    })
  }

  /** One after the other, as it came. */
  #then(direction: Direction, act: () => Promise<void>): void {
    this.#waiting[direction] = this.#waiting[direction].then(act)
  }

  #write(direction: Direction, data: Buffer): void {
    const to = this.#to[direction]
    if (data.length > 0 && !this.#isMute && to.writable) to.write(data)
  }

  #end(direction: Direction): void {
    if (!this.#isMute) this.#to[direction].end()
  }
}

function later(ms: number): Promise<void> {
  return new Promise((resolve) => {
    if (ms === 0) setImmediate(resolve)
    else setTimeout(resolve, ms)
  })
}
