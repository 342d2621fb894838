import { Socket } from 'node:net'
import type { Client, ClientBase, ClientConfig } from 'pg'
import { within } from '../sql/within.ts'

const endMs = 1_000

/** Clients of a store's own, each from when it begins to connect until it has ended. */
export class OpenClients {
  readonly #open = new Set<Client>()

  /** One that does not end the process by an error that nobody listens to. */
  add(client: Client): Client {
    this.#open.add(client)
    client.once('end', () => void this.#open.delete(client))
    return client.on('error', () => {})
  }

  /** The driver's class, of which each client is added. */
  of(DriverClient: typeof Client): typeof Client {
    const add = (client: Client): unknown => this.add(client)
    return class extends DriverClient {
      constructor(config?: string | ClientConfig) {
        super(config)
        add(this)
      }
    }
  }

  abandonAll(): void {
    for (const client of this.#open) abandon(client)
  }
}

/** Clients that have the listener; several stores may be given one. */
const guarded = new WeakSet<object>()

/** A client that is lost emits errors, also while a statement is under way that fails of it; without a listener they would end the process. */
export function guard(client: ClientBase): void {
  if (guarded.has(client)) return
  guarded.add(client)
  // What stands around a client may have no more than a store needs.
  ;(client as Partial<ClientBase>).on?.('error', () => {})
}

/** What a client is connected by; one of a pool of the user's may not show it. */
export function socketOf(client: object): unknown {
  return (client as { readonly connection?: { readonly stream?: unknown } }).connection?.stream
}

/** Ends a connection whose server does not even answer its end. */
export function abandon(client: object): void {
  const socket = socketOf(client)
  if (socket instanceof Socket) socket.destroy()
}

/** Says goodbye, and waits for the server only so long. Never rejects. */
export async function endSoon(client: Client): Promise<void> {
  await within(client.end(), endMs, () => new Error('the server does not answer')).catch(() => abandon(client))
}
