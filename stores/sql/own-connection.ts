import { withResolvers } from '../../src/core/own-promise.ts'
import { within } from './within.ts'

/** How a database connects, and ends. */
export interface Connecting<Client> {
  /** Makes a connection, and says when it is lost. */
  connect(onLost: () => void): Promise<Client>
  end(client: Client): Promise<void>
  /** Of a connection that does not end: it must not keep the process alive. */
  abandon(client: Client): void
  /** Whether the connection is as good after this as before: drivers don't always say that one is lost. */
  isGoodAfter(thrown: unknown): boolean
}

/** Whoever uses the connection for as long as it is there, and each one that takes its place. */
export interface Attachment<Client> {
  begin(client: Client): Promise<void>
  lost(): void
}

const endMs = 1_000

/**
 * One connection apart from the pool, for what must not wait behind other queries: the lease of this process, and hints. It is made when
 * it is needed first, and again after it was lost.
 */
export class OwnConnection<Client extends object> {
  readonly #connecting: Connecting<Client>
  #client: Promise<Client> | undefined
  #attachment: Attachment<Client> | undefined
  #begunOn: Client | undefined
  readonly #waiting: (() => Promise<void>)[] = []
  /** What is done on the connection at this moment. */
  #current: object | undefined
  #isClosed = false

  constructor(connecting: Connecting<Client>) {
    this.#connecting = connecting
  }

  /** Does work on the connection, one after the other, as drivers want it. @throws what the driver throws, and `late` when it takes longer than that */
  async use<T>(work: (client: Client) => Promise<T>, limitMs: number, late: () => Error): Promise<T> {
    const before = this.#client
    let isLate = false
    const { promise, resolve, reject } = withResolvers<T>()
    const job = async (): Promise<void> => {
      if (isLate) return
      const client = this.#connected()
      try {
        resolve(await work(await client))
      } catch (thrown) {
        if (this.#client === client && !this.#connecting.isGoodAfter(thrown)) this.#giveUp()
        reject(thrown)
      }
    }
    this.#waiting.push(job)
    this.#goOn()
    return within(promise, limitMs, () => {
      isLate = true
      // What does not answer in time is not called again.
      if (this.#current === job || before === undefined || before === this.#client) this.#giveUp()
      return late()
    })
  }

  /** The next one to be made takes its place. */
  #giveUp(): void {
    void this.#drop()
    this.#attachment?.lost()
  }

  /** @throws as `use` */
  async attach(attachment: Attachment<Client>, limitMs: number, late: () => Error): Promise<void> {
    this.#attachment = attachment
    await this.use((client) => this.#begin(client), limitMs, late)
  }

  detach(): void {
    this.#attachment = undefined
  }

  /** Ends it for good: what waits for its turn makes no other one, which nobody would end. */
  async close(): Promise<void> {
    this.#isClosed = true
    this.#attachment = undefined
    await this.#drop()
  }

  async #drop(): Promise<void> {
    const client = this.#client
    this.#client = undefined
    this.#begunOn = undefined
    // What is under way waits for a connection that is gone.
    this.#current = undefined
    this.#goOn()
    if (client !== undefined) await this.#end(client)
  }

  #goOn(): void {
    if (this.#current !== undefined) return
    const next = this.#waiting.shift()
    if (next === undefined) return
    this.#current = next
    void next().then(() => {
      if (this.#current !== next) return
      this.#current = undefined
      this.#goOn()
    })
  }

  #connected(): Promise<Client> {
    if (this.#client !== undefined) return this.#client
    if (this.#isClosed) return Promise.reject(new Error('it is closed'))
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
    const client = await this.#connecting.connect(onLost)
    try {
      await this.#begin(client)
    } catch (thrown) {
      this.#connecting.end(client).catch(ignore)
      throw thrown
    }
    return client
  }

  async #begin(client: Client): Promise<void> {
    if (this.#attachment === undefined || this.#begunOn === client) return
    this.#begunOn = client
    await this.#attachment.begin(client)
  }

  async #end(connecting: Promise<Client>): Promise<void> {
    let client: Client | undefined
    try {
      client = await within(connecting, endMs, () => new Error('it is not connected yet'))
      await within(this.#connecting.end(client), endMs, () => new Error('the server does not answer'))
    } catch {
      // Nobody waits for it any more.
      if (client !== undefined) this.#connecting.abandon(client)
      else connecting.then((late) => this.#connecting.end(late)).catch(ignore)
    }
  }
}

function ignore(): void {}
