import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { createDocket, dataType, durableStep, graph, signal, step, timer, type, update } from '../../src/index.ts'
import type { Docket } from '../../src/index.ts'
import type { Engine } from '../../src/core/contracts/engine.ts'
import type { Store, StoreHint } from '../../src/core/contracts/store.ts'
import { LeaseLostError, StoreError } from '../../src/core/errors.ts'
import { randomOf } from '../../src/testing/kit/seeded-random.ts'
import { watchClientSockets } from '../servers/client-sockets.ts'
import type { ClientSockets } from '../servers/client-sockets.ts'
import { startHostileProxy } from '../servers/hostile-proxy.ts'
import type { HostileProxy } from '../servers/hostile-proxy.ts'
import { randomFate } from './fates.ts'

/** A server, and what makes a store on it, by a URL. */
export interface Place {
  /** Of each server that there is. */
  readonly urls: readonly string[]
  /** @param urls one for each of the servers */
  readonly newStore: (urls: readonly string[]) => Store
  readonly newEngine?: ((url: string) => Engine) | undefined
  /** Whether stores have connections that they don't close. @default false */
  readonly isGivenPools?: boolean
  /** Ends what the stores were given. */
  readonly end?: () => Promise<void>
}

export interface HostilePlan {
  readonly seed: number
  /** For how long the network is hostile. */
  readonly hostileMs: number
  /** How long a connection may be mute before it is reset. */
  readonly longestMuteMs: number
  /** How many executions there are of each kind. */
  readonly executions: number
  /** Within how long all must have ended, and be heard again, once the network is good. */
  readonly boundMs: number
}

interface Asked {
  readonly id: string
}

const Order = dataType('Order', type<Asked>())
const Noted = dataType('Noted', type<string>())
const Paused = dataType('Paused', type<string>())
const Approval = dataType('Approval', type<string>())
const Done = dataType('Done', type<string>())
const Total = dataType('Total', type<{ readonly taken: readonly number[]; readonly booked: readonly string[] }>())
const Deposit = update('Deposit', { input: type<number>(), output: type<number>() })

const deposits = 3

/** What is thrown while a store can't be reached, or a lease is over: then a caller tries again. */
function isPassing(error: unknown): boolean {
  return (error instanceof StoreError && error.isTransient) || error instanceof LeaseLostError
}

/** What has gone wrong, or a value that was seen where another one had been. */
class Findings {
  readonly #seen = new Map<string, string>()
  readonly all: string[] = []

  add(finding: string): void {
    this.all.push(finding)
  }

  /** What was persisted is what everybody sees, whenever they look. */
  same(what: string, value: string): void {
    const before = this.#seen.get(what)
    if (before !== undefined && before !== value) this.add(`${what} was ${before}, and is ${value}`)
    this.#seen.set(what, value)
  }
}

function graphsFor(findings: Findings) {
  const note = step({
    name: 'Note',
    inputs: { order: Order },
    output: Noted,
    persist: 'execution',
    // Large ones go another way.
    run: ({ order }) => `${order.id} ${randomUUID()} ${'x'.repeat(order.id.endsWith('1') ? 300_000 : 3_000)}`,
  })
  const finish = step({
    name: 'Finish',
    inputs: { order: Order, noted: Noted, approval: Approval, paused: Paused },
    output: Done,
    persist: 'execution',
    run: ({ order, noted, approval, paused }) => {
      findings.same(`what was noted of ${order.id}`, noted)
      return `${approval} ${paused}`
    },
  })
  const pause = timer({
    name: 'Pause',
    inputs: { noted: Noted },
    output: Paused,
    after: '300ms',
    value: () => 'paused',
  })
  const account = durableStep({
    name: 'Account',
    inputs: { order: Order },
    output: Total,
    receives: [Deposit],
    run: async ({ order }, ctx) => {
      const taken: number[] = []
      const booked: string[] = []
      while (taken.length < deposits) {
        const message = await ctx.receive(Deposit)
        taken.push(message.value)
        booked.push(await ctx.step('book', () => randomUUID()))
        findings.same(`booking ${booked.length} of ${order.id}`, booked.at(-1)!)
        await message.reply(taken.length)
      }
      return { taken, booked }
    },
  })
  return {
    orders: graph({ name: 'orders', steps: [note, signal(Approval, { inputs: { noted: Noted } }), pause, finish] }),
    accounts: graph({ name: 'accounts', steps: [account] }),
  }
}

/** One docket, behind a network of its own. */
interface Side {
  readonly docket: Docket
  readonly proxies: readonly HostileProxy[]
  readonly hints: { count: number }
}

/** A store of which each hint is counted. */
function counting(store: Store, hints: { count: number }): Store {
  return new Proxy(store, {
    get(target, key) {
      const value: unknown = Reflect.get(target, key)
      if (typeof value !== 'function') return value
      if (key !== 'subscribe') return value.bind(target) as unknown
      return (listener: (hint: StoreHint) => void) =>
        target.subscribe!((hint) => {
          hints.count++
          listener(hint)
        })
    },
  })
}

/** Makes what the stores of a place need, before the network is hostile: those who deploy see to that, and no docket. */
export async function makeTables({ urls, newStore }: Place): Promise<void> {
  const store = newStore(urls)
  await store.open()
  await store.close()
}

/** Two dockets on one server, and a network between that is hostile for a while. @returns what went wrong */
export async function runHostile(place: Place, plan: HostilePlan): Promise<readonly string[]> {
  const random = randomOf(plan.seed)
  const findings = new Findings()
  const onUncaught = (error: unknown): void => findings.add(`uncaught: ${stackOf(error)}`)
  const onWarning = (warning: Error): void => {
    if (warning.name === 'MaxListenersExceededWarning') findings.add(`warning: ${stackOf(warning)}`)
  }
  process.on('uncaughtException', onUncaught)
  process.on('unhandledRejection', onUncaught)
  process.on('warning', onWarning)
  using clientSockets = watchClientSockets()
  const graphs = graphsFor(findings)
  const sides: Side[] = []
  try {
    for (const name of ['left', 'right']) {
      const hints = { count: 0 }
      const proxies = await Promise.all(place.urls.map((url) => startHostileProxy(url)))
      const store = counting(place.newStore(proxies.map(({ url }) => url)), hints)
      if (place.newEngine !== undefined) proxies.push(await startHostileProxy(place.urls[0]!))
      const engine = place.newEngine?.(proxies.at(-1)!.url)
      const docket = createDocket({
        name,
        graphs: [graphs.orders, graphs.accounts],
        store,
        lease: '2s',
        maxRecoveries: 1_000,
        ...(engine === undefined ? {} : { engine, work: { default: 20 } }),
      })
      sides.push({ docket, proxies, hints })
    }
    await new HostileRun(plan, random, findings, graphs, sides).run()
    if (place.isGivenPools !== true) await requireClosed(sides, clientSockets, findings)
  } finally {
    for (const { proxies } of sides) for (const proxy of proxies) await proxy.stop()
    await place.end?.()
    process.off('uncaughtException', onUncaught)
    process.off('unhandledRejection', onUncaught)
    process.off('warning', onWarning)
  }
  return findings.all
}

async function requireClosed(sides: readonly Side[], sockets: ClientSockets, findings: Findings): Promise<void> {
  const urls = sides.flatMap(({ proxies }) => proxies.map((proxy) => proxy.url))
  for (let waits = 0; sockets.openTo(urls) > 0 && waits < 100; waits++) await sleep(50)
  const left = sockets.openTo(urls)
  if (left > 0) findings.add(`${left} connections are left open`)
}

class HostileRun {
  readonly #plan: HostilePlan
  readonly #random: () => number
  readonly #findings: Findings
  readonly #graphs: ReturnType<typeof graphsFor>
  readonly #sides: readonly Side[]
  #until = Infinity

  constructor(
    plan: HostilePlan,
    random: () => number,
    findings: Findings,
    graphs: ReturnType<typeof graphsFor>,
    sides: readonly Side[],
  ) {
    this.#plan = plan
    this.#random = random
    this.#findings = findings
    this.#graphs = graphs
    this.#sides = sides
  }

  async run(): Promise<void> {
    const { hostileMs, longestMuteMs, executions, boundMs } = this.#plan
    // Sometimes nobody is connected before it begins.
    if (this.#random() < 0.8) for (const { docket } of this.#sides) await docket.list({ limit: 1 })
    const proxies = this.#sides.flatMap((side) => side.proxies)
    for (const proxy of proxies) proxy.begin(() => randomFate(this.#random, longestMuteMs))
    const all = Array.from({ length: executions }, (_, index) => [
      this.#order(`order ${index}`),
      this.#account(`account ${index}`),
      this.#cancelled(`cancelled ${index}`),
    ]).flat()
    const outcomes = Promise.all(all)
    await sleep(hostileMs)
    for (const proxy of proxies) proxy.calm()
    this.#until = performance.now() + boundMs
    await outcomes
    await Promise.all(this.#sides.map((side) => this.#isHeard(side)))
    for (const { docket } of this.#sides)
      await this.#again('health', async () => {
        const { isReady } = await docket.health()
        if (!isReady) throw new StoreError('test', 'not ready', true)
      })
    await this.#close()
  }

  async #close(): Promise<void> {
    const closing = Promise.all(this.#sides.map(({ docket }) => docket.close({ deadline: '1s' })))
    if (await isOver(closing, 15_000)) this.#findings.add('the dockets do not close within 15 s')
  }

  get #some(): Docket {
    return this.#sides[this.#random() < 0.5 ? 0 : 1]!.docket
  }

  /** Does it until it does not fail for a passing reason, through one docket or the other; each try has its time. */
  async #again<T>(what: string, act: (docket: Docket) => Promise<T>): Promise<T | undefined> {
    for (;;) {
      let failure: unknown = 'no answer'
      try {
        const answer = act(this.#some)
        answer.catch(() => {})
        if (!(await isOver(answer, 60_000))) return await answer
      } catch (error) {
        failure = error
        if (!isPassing(error)) {
          this.#findings.add(`${what} failed: ${stackOf(error)}`)
          return undefined
        }
      }
      if (performance.now() > this.#until) {
        this.#findings.add(`${what} is not done in time: ${stackOf(failure)}`)
        return undefined
      }
      await sleep(20)
    }
  }

  #pause(): Promise<unknown> {
    return sleep(this.#random() * this.#plan.hostileMs)
  }

  async #order(id: string): Promise<void> {
    const { orders } = this.#graphs
    await this.#pause()
    const by = `by ${id}`
    await this.#again(`the start of ${id}`, (docket) => docket.start(orders, Done, { Order: { id } }, { id }))
    await this.#pause()
    await this.#again(`the signal to ${id}`, async (docket) => {
      const verdict = await (await docket.get(id))!.signal(Approval, by, { id: 'approval' })
      if (verdict !== 'accepted' && verdict !== 'duplicate' && verdict !== 'ended')
        this.#findings.add(`the signal to ${id} is ${verdict}`)
    })
    const result = await this.#again(`the result of ${id}`, async (docket) => (await docket.get(id))!.result())
    if (result !== undefined && result !== `${by} paused`)
      this.#findings.add(`the result of ${id} is ${String(result)}`)
  }

  async #account(id: string): Promise<void> {
    const { accounts } = this.#graphs
    await this.#pause()
    await this.#again(`the start of ${id}`, (docket) => docket.start(accounts, Total, { Order: { id } }, { id }))
    for (let count = 1; count <= deposits; count++) {
      await this.#pause()
      const answer = await this.#again(`deposit ${count} of ${id}`, async (docket) =>
        (await docket.get(id))!.update(Deposit, count, { id: `deposit ${count}` }),
      )
      if (answer !== undefined && answer !== count) this.#findings.add(`deposit ${count} of ${id} is ${answer}`)
    }
    const result = await this.#again(`the result of ${id}`, async (docket) => (await docket.get(id))!.result())
    const { taken = [] } = (result ?? {}) as { readonly taken?: readonly number[] }
    if (result !== undefined && taken.join() !== '1,2,3') this.#findings.add(`${id} has taken ${taken.join()}`)
  }

  async #cancelled(id: string): Promise<void> {
    const { orders } = this.#graphs
    await this.#again(`the start of ${id}`, (docket) => docket.start(orders, Done, { Order: { id } }, { id }))
    await this.#pause()
    await this.#again(`the cancellation of ${id}`, async (docket) => (await docket.get(id))!.cancel())
    await this.#again(`the end of ${id}`, async (docket) => {
      const { status } = await (await docket.get(id))!.info()
      if (status !== 'cancelled') throw new StoreError('test', `${id} is ${status}`, true)
    })
  }

  /** What others do is heard again, rather than found by looking again and again: of one whose store can't say so, nothing ever was. */
  async #isHeard({ docket, hints }: Side): Promise<void> {
    if (docket.options.store.subscribe === undefined) return
    const other = this.#sides.find((side) => side.docket !== docket)!.docket
    const before = hints.count
    for (let tries = 0; hints.count === before; tries++) {
      if (performance.now() > this.#until) return this.#findings.add(`${docket.options.name} hears nothing any more`)
      const id = `heard by ${docket.options.name} ${tries}`
      await other
        .start(this.#graphs.orders, Done, { Order: { id } }, { id })
        .then((handle) => handle.cancel())
        .catch((error: unknown) => {
          if (!isPassing(error)) this.#findings.add(`${id} failed: ${stackOf(error)}`)
        })
      await sleep(200)
    }
  }
}

/** Whether the time is over before it is settled. */
async function isOver(settled: Promise<unknown>, ms: number): Promise<boolean> {
  const timeUp = new AbortController()
  const late = sleep(ms, true, { signal: timeUp.signal }).catch(() => true)
  try {
    return (
      (await Promise.race([
        late,
        settled.then(
          () => undefined,
          () => undefined,
        ),
      ])) === true
    )
  } finally {
    timeUp.abort()
  }
}

function stackOf(thrown: unknown): string {
  return thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown)
}
