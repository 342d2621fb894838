import { performance } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import { createDocket, UpdateError } from '../../../src/index.ts'
import type { Docket } from '../../../src/index.ts'
import type { Operated as History } from '../../processes/linearizability/check-history.ts'
import { openStore } from '../chaos-stores.ts'
import type { StoreUnderTest } from '../chaos-stores.ts'
import { AddItem, CheckOut, Deposit, functionGraphs, Operate } from './function-graphs.ts'

/** A letter that was stored, and when it was sent and confirmed. */
export interface Sent {
  readonly execution: string
  readonly type: 'Deposit' | 'AddItem' | 'CheckOut'
  readonly id: string
  readonly verdict: string
  readonly sentAt: number
  readonly storedAt: number
}

const mostOpen = 12
/** How long after the storm an answer is still waited for: what is left then says of itself why there is none. */
const lastWaitMs = 30_000
const kinds = ['read', 'write', 'add'] as const

/** Somebody who lives through all of it, and writes to executions: letters, some of them twice, and updates, each until it is answered. */
export class Correspondent {
  readonly sent: Sent[] = []
  readonly histories = new Map<string, History[]>()
  readonly violations: string[] = []
  /** Updates that came too late. */
  late = 0
  readonly #docket: Docket
  readonly #random: () => number
  readonly #open = new Set<Promise<void>>()
  /** Executions that are written to at this moment: what one gets is sent one after the other. */
  readonly #busy = new Set<string>()
  #letters = 0
  #givesUpAt = Infinity

  constructor({ kind, url }: StoreUnderTest, random: () => number) {
    this.#random = random
    const graphs = functionGraphs({
      effect: () => Promise.reject(new Error('who writes runs nothing')),
      given: () => {},
      delay: () => {},
    })
    this.#docket = createDocket({
      graphs: [...graphs.values()].map(({ graph }) => graph),
      store: openStore(kind, url),
      work: false,
      takeOver: false,
      name: 'correspondent',
    })
  }

  /** Writes to some of these. */
  write(ids: readonly string[], graphOf: (id: string) => string): void {
    if (this.#open.size >= mostOpen || ids.length === 0) return
    const id = ids[Math.floor(this.#random() * ids.length)]!
    if (graphOf(id) === 'ledgers' && this.#random() < 0.5) this.#track(this.#update(id))
    else if (!this.#busy.has(id)) this.#track(this.#send(id, graphOf(id)))
  }

  /** Resolves when all is answered, or is not going to be. */
  async end(): Promise<void> {
    this.#givesUpAt = Date.now() + lastWaitMs
    await Promise.all(this.#open)
    await this.#docket.close()
  }

  #track(work: Promise<void>): void {
    const tracked = work
      .catch((error: unknown) => void this.violations.push(`a letter came to ${String(error)}`))
      .finally(() => this.#open.delete(tracked))
    this.#open.add(tracked)
  }

  async #send(execution: string, graph: string): Promise<void> {
    this.#busy.add(execution)
    const type = graph === 'ledgers' ? 'Deposit' : this.#random() < 0.2 ? 'CheckOut' : 'AddItem'
    const id = `${execution}-${++this.#letters}`
    const times = this.#random() < 0.2 ? 2 : 1
    try {
      const sentAt = Date.now()
      const verdicts: string[] = []
      for (let time = 0; time < times; time++) verdicts.push(await this.#post(execution, type, id))
      // Whoever sends it again is given the first answer.
      if (new Set(verdicts).size > 1 && !verdicts.includes('unknown'))
        this.violations.push(`${id} was ${verdicts.join(', and sent again ')}`)
      // What was unknown at first may have been started since.
      const verdict = verdicts.find((one) => one !== 'unknown') ?? 'unknown'
      this.sent.push({ execution, type, id, verdict, sentAt, storedAt: Date.now() })
    } finally {
      this.#busy.delete(execution)
    }
  }

  async #post(execution: string, type: Sent['type'], id: string): Promise<string> {
    const types = { Deposit, AddItem, CheckOut }
    const verdict = await this.#patiently(async () => {
      const handle = await this.#docket.get(execution)
      return handle === undefined ? 'unknown' : await handle.signal(types[type], { id }, { id })
    })
    return verdict ?? 'ended'
  }

  async #update(execution: string): Promise<void> {
    const id = `${execution}-${++this.#letters}`
    const kind = kinds[Math.floor(this.#random() * kinds.length)]!
    const amount = Math.floor(this.#random() * 1_000)
    const calledAt = performance.now()
    const answer = await this.#patiently(async () => {
      const handle = await this.#docket.get(execution)
      if (handle === undefined) return undefined
      return await handle.update(Operate, { kind, amount }, { id, timeout: '2s' })
    })
    if (answer === undefined) return void this.late++
    const history = this.histories.get(execution) ?? []
    this.histories.set(execution, history)
    history.push({ id, kind, amount, calledAt, answeredAt: performance.now(), answer })
  }

  /** Asks until there is an answer; undefined where the execution has ended. */
  async #patiently<Result>(ask: () => Promise<Result>): Promise<Result | undefined> {
    for (;;) {
      try {
        return await ask()
      } catch (error) {
        const code = (error as { readonly code?: unknown }).code
        if (error instanceof UpdateError && code === 'UPDATE_ENDED') return undefined
        if ((code !== 'UPDATE_TIMEOUT' && code !== 'STORE_FAILED') || Date.now() > this.#givesUpAt) throw error
      }
      await sleep(100)
    }
  }
}
