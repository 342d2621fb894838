import type { ClientBase } from 'pg'

const localOff = 'set local jit = off'

/** `session`: it can be turned off for a connection; `transaction`: for one transaction alone. */
type Way = 'never' | 'session' | 'transaction'

// What a session has unless it says otherwise.
const asked = `select pg_backend_pid() as pid, exists (select 1 from pg_settings where name = 'jit' and reset_val = 'on') as compiles`

/**
 * Keeps a server from compiling Docket's statements (`jit`, which most servers have on). It decides by the costs that it expects, which
 * for a look at a large table are high, since it expects to read a tenth of that: each look would take half a second of a processor, and takes some
 * milliseconds.
 */
export class Compiling {
  readonly #isOwnPool: boolean
  readonly #off = new WeakSet<ClientBase>()
  #way: Way | undefined

  /** What is said to connections of a user's pool would hold for the user's statements too. */
  constructor(isOwnPool: boolean) {
    this.#isOwnPool = isOwnPool
  }

  /** Runs a statement outside of a transaction; `isLook`: one that is compiled wherever that is not turned off. */
  async without<Answer>(client: ClientBase, isLook: boolean, run: () => Promise<Answer>): Promise<Answer> {
    const way = await this.#wayOf(client)
    if (way === 'session' && !this.#off.has(client)) {
      await client.query('set jit = off')
      this.#off.add(client)
    }
    if (way !== 'transaction' || !isLook) return run()
    await client.query('begin')
    try {
      await client.query(localOff)
      const answer = await run()
      await client.query('commit')
      return answer
    } catch (thrown) {
      // Where it can't be rolled back, the connection is not used again.
      await client.query('rollback')
      throw thrown
    }
  }

  /** Turns it off until the end of the transaction that the connection is in. */
  async offForTransaction(client: ClientBase): Promise<void> {
    if ((await this.#wayOf(client)) !== 'never' && !this.#off.has(client)) await client.query(localOff)
  }

  async #wayOf(client: ClientBase): Promise<Way> {
    if (this.#way !== undefined) return this.#way
    const { rows } = await client.query<{ pid: number; compiles: boolean }>(asked)
    const [row] = rows
    if (row?.compiles !== true) return (this.#way = 'never')
    // A pooler is another process than the one that it says it is, and gives the same connection to others.
    const { processID = row.pid } = client as ClientBase & { readonly processID?: number }
    return (this.#way = this.#isOwnPool && processID === row.pid ? 'session' : 'transaction')
  }
}
