import { fork } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Store } from '../../../src/core/contracts/store.ts'
import { createDocket } from '../../../src/index.ts'
import type { Docket } from '../../../src/index.ts'
import { ageOwners, leftOver } from '../../processes/left-over.ts'
import { childProgram } from '../../child-program.ts'
import type { Place } from '../../processes/places.ts'
import { openStore } from '../../processes/store-address.ts'
import { deadlyGraphs, migrate } from './deadly-graphs.ts'
import { deathAsItOpens, scenarios } from './deaths.ts'
import type { Death, Scenario, ScenarioName } from './deaths.ts'
import { dyingLeaseMs } from './dying-process.ts'
import type { DyingOrder, DyingReport } from './dying-process.ts'

/** What is left after many deaths. */
export interface Remains {
  readonly left: readonly string[]
  /** Processes that did not come to the moment at which they were to die, or lived on. */
  readonly missed: readonly string[]
}

// A process that has not died by then never comes to its moment.
const patienceMs = 15_000
const living = { owners: /^(?:heir|newcomer)/ }

/**
 * Lets processes die, some at the same time; then others finish what they have left, all is purged, and the dead are long dead. `deaths` may come as
 * others are over.
 */
export async function remainsOf(
  place: Place,
  deaths: Iterable<Death> | AsyncIterable<Death>,
  { atOnce = 4 }: { readonly atOnce?: number } = {},
): Promise<Remains> {
  const missed: string[] = []
  await new DyingProcess({ address: place.address, death: deathAsItOpens, id: 'first', seed: 0 }).end
  const lives = new Lives(place)
  const queue = (async function* () {
    yield* deaths
  })()
  await Promise.all(
    Array.from({ length: atOnce }, async () => {
      for await (const death of ofMany(queue))
        if ((await lives.one(death)) !== undefined) missed.push(JSON.stringify(death))
    }),
  )
  return { left: await lives.leftAfterAll(), missed }
}

/** How often a process calls what, that does one thing and is left alone. */
export async function countsOf(place: Place, of: ScenarioName): Promise<Readonly<Record<string, number>>> {
  const lives = new Lives(place)
  const counts = await lives.one({ of, at: { by: 'parent' } })
  await lives.leftAfterAll()
  return counts ?? {}
}

/** A generator that several read: what ends one of the loops does not end it. */
function ofMany<Value>(values: AsyncGenerator<Value>): AsyncIterable<Value> {
  return { [Symbol.asyncIterator]: () => ({ next: () => values.next() }) }
}

/** Processes that die, and one that lives with them. */
class Lives {
  readonly #place: Place
  readonly #graphs = deadlyGraphs({ ms: 60, sharedMs: 1_500 }, false)
  readonly #store: Store
  readonly #docket: Docket
  #count = 0
  #lastDeathAt = 0

  constructor(place: Place) {
    this.#place = place
    this.#store = openStore(place.address)
    this.#docket = createDocket({
      graphs: Object.values(this.#graphs),
      store: this.#store,
      lease: '10s',
      name: 'other',
      takeOver: false,
    })
  }

  /** Lets one process die; gives what it counted if it did not. */
  async one(death: Death): Promise<Readonly<Record<string, number>> | undefined> {
    const { before, meanwhile }: Scenario = scenarios[death.of]
    const seed = ++this.#count * 10
    const id = `${death.of} ${this.#count}`
    const child = new DyingProcess({ address: this.#place.address, death, id, seed })
    if (await child.comesTo('ready')) {
      const actor = { docket: this.#docket, store: this.#store, graphs: this.#graphs, id, seed }
      try {
        await before?.(actor)
      } catch (error) {
        // On a machine that stands still for a lease, the one that lives with them loses what it has begun.
        child.kill()
        await child.end
        return { [String(error)]: 1 }
      }
      child.go()
      if (meanwhile !== undefined && (await child.comesTo('begun'))) {
        await meanwhile(actor)
        if ('by' in death.at) child.kill()
      }
    }
    const counts = await child.end
    this.#lastDeathAt = Date.now()
    return counts
  }

  /** What is left when others have finished all of it. */
  async leftAfterAll(): Promise<readonly string[]> {
    await this.#docket.close()
    const graphs = Object.values(deadlyGraphs({ ms: 5 }, true))
    const store = openStore(this.#place.address)
    const heir = createDocket({ graphs, migrate, store, lease: '5s', name: 'heir' })
    await untilEnded(heir)
    // The last leases are over by then, and the last results have expired.
    await sleep(Math.max(400, this.#lastDeathAt + dyingLeaseMs + 100 - Date.now()))
    await heir.purge({ olderThan: 0 })
    await ageOwners(this.#place, living)
    await store.renewOwner('newcomer', 600_000)
    const left = await leftOver(this.#place, living)
    await heir.close()
    return left
  }
}

/** Waits until all that was left is worked off; ends batches whose items were never written, which only their callers can go on with. */
async function untilEnded(docket: Docket): Promise<void> {
  const status = ['pending', 'running', 'compensating'] as const
  for (let round = 0; round < 600; round++) {
    const { executions } = await docket.list({ status: [...status], limit: 1_000 })
    if (executions.length === 0) return
    await docket.resume()
    for (const { id, incompatible } of executions) {
      if (incompatible.length === 0 || round < 20) continue
      if (!/items were written before its process died; start it again/.test(incompatible.join()))
        throw new Error(`execution "${id}" does not fit: ${incompatible.join('; ')}`)
      await docket.cancel(id)
    }
    await sleep(50)
  }
  throw new Error('what the dead have left does not end')
}

/** A process that is to die, as seen by another one. */
class DyingProcess {
  /** What it counted, if it lived on; undefined as soon as it has died. */
  readonly end: Promise<Readonly<Record<string, number>> | undefined>
  readonly #child: ChildProcess
  readonly #reports = { ready: Promise.withResolvers<true>(), begun: Promise.withResolvers<true>() }
  #counts: Readonly<Record<string, number>> | undefined

  constructor(order: DyingOrder) {
    const child = fork(childProgram(join(import.meta.dirname, 'dying-process.ts')), [JSON.stringify(order)], {
      execArgv: ['--disable-warning=ExperimentalWarning'],
      // Hundreds of processes that live for a moment mostly compile.
      env: { ...process.env, NODE_COMPILE_CACHE: join(tmpdir(), 'docket-chaos-cache') },
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    })
    this.#child = child
    child.on('message', (report: DyingReport) => {
      if (typeof report === 'string') this.#reports[report].resolve(true)
      else this.#counts = report.counts
    })
    this.end = this.#ended()
  }

  /** False where it died before. */
  comesTo(report: 'ready' | 'begun'): Promise<boolean> {
    return Promise.race([this.#reports[report].promise, this.end.then(() => false)])
  }

  go(): void {
    if (this.#child.connected) this.#child.send('go', () => {})
  }

  kill(): void {
    this.#child.kill('SIGKILL')
  }

  async #ended(): Promise<Readonly<Record<string, number>> | undefined> {
    let isOverdue = false
    const timer = setTimeout(() => {
      isOverdue = true
      this.kill()
    }, patienceMs)
    const [, signal] = (await once(this.#child, 'exit')) as [number | null, NodeJS.Signals | null]
    clearTimeout(timer)
    return signal === 'SIGKILL' && !isOverdue ? undefined : (this.#counts ?? {})
  }
}
