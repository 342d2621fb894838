import type { Client } from 'pg'
import { within } from '../sql/within.ts'

/** Whoever uses the connection for as long as it is there, and on each one that takes its place. */
export interface Attachment {
  begin(client: Client): Promise<void>
  lost(): void
}

const endMs = 1_000

/**
 * One connection apart from the pool, for what must not wait behind other queries: the lease of this process, and hints. It is made when
 * it is needed first, and again after it was lost.
 */
export class PostgresOwnConnection {
  readonly #create: () => Promise<Client>
  #client: Promise<Client> | undefined
  #attachment: Attachment | undefined
  #begunOn: Client | undefined
  #last: Promise<unknown> = Promise.resolve()

  /** `create` makes a client that is not connected yet. */
  constructor(create: () => Promise<Client>) {
    this.#create = create
  }

  /** Does work on the connection, one after the other. @throws what the driver throws, and `late` when it takes longer than that */
  async use<T>(work: (client: Client) => Promise<T>, limitMs: number, late: () => Error): Promise<T> {
    const before = this.#client
    const made = this.#last.then(async () => work(await this.#connected()))
    this.#last = made.catch(ignore)
    return within(made, limitMs, () => {
      // What does not answer in time is not asked again.
      if (before === undefined || before === this.#client) {
        void this.#drop()
        this.#attachment?.lost()
      }
      return late()
    })
  }

  /** @throws as `use` */
  async attach(attachment: Attachment, limitMs: number, late: () => Error): Promise<void> {
    this.#attachment = attachment
    await this.use((client) => this.#begin(client), limitMs, late)
  }

  detach(): void {
    this.#attachment = undefined
  }

  async close(): Promise<void> {
    this.#attachment = undefined
    await this.#drop()
  }

  async #drop(): Promise<void> {
    const client = this.#client
    this.#client = undefined
    this.#begunOn = undefined
    this.#last = Promise.resolve()
    if (client !== undefined) await end(client)
  }

  #connected(): Promise<Client> {
    if (this.#client !== undefined) return this.#client
    const connecting = this.#connect(() => {
      if (this.#client !== connecting) return
      this.#client = undefined
      this.#attachment?.lost()
    })
    this.#client = connecting
    connecting.catch(() => {
      if (this.#client === connecting) this.#client = undefined
    })
    return connecting
  }

  async #connect(onLost: () => void): Promise<Client> {
    const client = await this.#create()
    client.on('error', ignore)
    try {
      await client.connect()
      await this.#begin(client)
    } catch (thrown) {
      client.end().catch(ignore)
      throw thrown
    }
    client.once('error', () => void client.end().catch(ignore))
    client.once('end', onLost)
    return client
  }

  async #begin(client: Client): Promise<void> {
    if (this.#attachment === undefined || this.#begunOn === client) return
    this.#begunOn = client
    await this.#attachment.begin(client)
  }
}

/** Ends a connection; one whose server does not answer must not keep the process alive. */
async function end(client: Promise<Client>): Promise<void> {
  let connected: Client | undefined
  try {
    connected = await within(client, endMs, () => new Error('it is not connected yet'))
    await within(connected.end(), endMs, () => new Error('the server does not answer'))
  } catch {
    // Nobody waits for it any more.
    client.then((late) => late.end()).catch(ignore)
    ;(connected as { unref?: () => void } | undefined)?.unref?.()
  }
}

function ignore(): void {}
