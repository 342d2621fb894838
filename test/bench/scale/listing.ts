import { setTimeout as sleep } from 'node:timers/promises'
import { createDocket, dataType, signal, step, type, untypedGraph } from '../../../src/index.ts'
import type { CountQuery, Docket, ListQuery } from '../../../src/index.ts'
import { freshName } from '../durable/engine.ts'
import type { Places } from '../durable/engine.ts'
import { openStore } from '../opponents/durable-docket.ts'
import { inLanes } from '../waiting/waiting-engine.ts'
import { analyze, copyInBulk } from './bulk-copies.ts'
import type { CopyPlace } from './bulk-copies.ts'
import { scaleGraph, templateOf } from './fixtures.ts'

/** The stores whose lists and counts are measured: in these, an index answers for each filter. */
export type ListedStore = 'sqlite' | 'postgres' | 'mysql'

/** What one filter took, in milliseconds. */
export interface Filtered {
  readonly name: string
  /** Whether executions were listed, a page of a hundred, or counted; or looked through, a thousand of them, since no index answers. */
  readonly what: 'list' | 'count' | 'search'
  readonly msEach: readonly number[]
}

const dayMs = 86_400_000
const pageSize = 100
/** Twice as many as a call looks through that asks what a step waits for. */
const waiting = 2_000
const stepsBefore = 5

/**
 * What executions differ in, by their number `n`, in words that all three databases know. Of a thousand, 967 have completed, twenty have failed and ten were cancelled; one
 * waits, one runs, and one has not begun. Seven in eleven are of one graph, half are in queues, a thirteenth has one key and two thirteenths have one of
 * a thousand others. The divisors have no factor in common, so none of it goes along with anything else.
 */
const values = {
  status: `case when n % 1000 < 20 then 'failed' when n % 1000 < 30 then 'cancelled' when n % 1000 = 30 then 'waiting'
    when n % 1000 = 31 then 'running' when n % 1000 = 32 then 'pending' else 'completed' end`,
  graph: `case when n % 11 < 7 then 'busy' else 'graph-' || (n % 11) end`,
  queue: `case when n % 23 < 11 then 'default' when n % 23 < 21 then 'mail' else 'queue-' || (n % 23) end`,
  queue_key: `case when n % 13 = 0 then 'hot' when n % 13 < 3 then 'key-' || (n % 997) else '' end`,
  error_code: `case when n % 1000 < 18 then 'STEP_FAILED' when n % 1000 < 20 then 'EXECUTION_TIMEOUT'
    when n % 1000 < 30 then 'EXECUTION_CANCELLED' end`,
}

/** A fresh store with so many executions, and a docket over it that runs none of them. */
export async function listedStore(
  kind: ListedStore,
  places: Places,
  count: number,
): Promise<{ readonly docket: Docket; readonly middle: Date }> {
  const name = freshName('listed')
  const template = await templateOf(openStore(kind, places, name))
  const place: CopyPlace = { kind, places, name, store: openStore(kind, places, name) }
  const from = Date.now() - dayMs - count
  const { graph } = waitingGraph()
  const docket = createDocket({ graphs: [scaleGraph().graph, graph], store: place.store, takeOver: false, work: false })
  await docket.list({ limit: 1 })
  await copyInBulk(place, template, { prefix: 'listed', count, from, values, hasSteps: false })
  await leaveWaiting(openStore(kind, places, name))
  await analyze(place)
  return { docket, middle: new Date(from + count / 2) }
}

/** Some steps, and one that waits for a signal behind them. */
function waitingGraph() {
  const made = Array.from({ length: stepsBefore + 1 }, (_, index) => dataType(`Made${index}`, type<number>()))
  const Go = dataType('Go', type<string>())
  const Gone = dataType('Gone', type<string>())
  const before = made.slice(1).map((output, index) =>
    step({
      name: `make ${index}`,
      inputs: { value: made[index]! },
      output,
      persist: 'execution',
      run: ({ value }) => value + 1,
    }),
  )
  const go = step({ name: 'go', inputs: { value: made.at(-1)!, go: Go }, output: Gone, run: ({ go: by }) => by })
  return { graph: untypedGraph({ name: 'waiting', steps: [...before, signal(Go), go] }), target: Gone }
}

/** Executions that wait for a signal, the newest of all, as a process that is gone has left them. */
async function leaveWaiting(store: ReturnType<typeof openStore>): Promise<void> {
  const { graph, target } = waitingGraph()
  await using docket = createDocket({ graphs: [graph], store, takeOver: false })
  await inLanes(waiting, 100, (place) => docket.start(graph, target, { Made0: place }))
  while ((await docket.count({ graph: 'waiting', status: 'waiting' })).waiting?.count !== waiting) await sleep(100)
}

/** The filters: each alone, with statuses, with a graph, and up to a time in the middle of all. */
function filtersOf(middle: Date): Readonly<Record<string, CountQuery>> {
  const alone: Readonly<Record<string, CountQuery>> = {
    none: {},
    'a queue that has much': { queue: 'mail' },
    'a queue that has little': { queue: 'queue-22' },
    'the default queue': { queue: 'default' },
    'a key that many have': { key: 'hot' },
    'a key that few have': { key: 'key-7' },
    'a frequent code': { errorCode: 'STEP_FAILED' },
    'a rare code': { errorCode: 'EXECUTION_TIMEOUT' },
  }
  const filters: Record<string, CountQuery> = {}
  for (const [name, filter] of Object.entries(alone)) {
    filters[name] = filter
    filters[`${name}, failed`] = { ...filter, status: 'failed' }
    filters[`${name}, open`] = { ...filter, status: ['pending', 'running', 'waiting', 'compensating'] }
    filters[`${name}, of the busy graph`] = { ...filter, graph: 'busy' }
    filters[`${name}, failed, of another graph`] = { ...filter, status: 'failed', graph: 'graph-7' }
    filters[`${name}, before the middle`] = { ...filter, before: middle }
    filters[`${name}, failed, of a graph, in a window`] = {
      ...filter,
      status: 'failed',
      graph: 'graph-7',
      from: new Date(middle.getTime() - 50_000),
      before: middle,
    }
  }
  return filters
}

/** Lists a page by each filter, and counts by it, so often each, one after another. */
export async function measureFilters(docket: Docket, middle: Date, rounds: number): Promise<readonly Filtered[]> {
  const measured = new Map<
    string,
    { readonly name: string; readonly what: Filtered['what']; readonly msEach: number[] }
  >()
  const time = async (name: string, what: Filtered['what'], run: () => Promise<unknown>): Promise<void> => {
    const since = performance.now()
    await run()
    const one = measured.get(`${what} ${name}`) ?? { name, what, msEach: [] }
    one.msEach.push(performance.now() - since)
    measured.set(`${what} ${name}`, one)
  }
  const filters = Object.entries(filtersOf(middle))
  for (let round = 0; round <= rounds; round++) {
    // The first time, pages are read from the disk.
    if (round === 1) measured.clear()
    for (const [name, filter] of filters) {
      await time(name, 'list', () => docket.list({ ...filter, limit: pageSize } satisfies ListQuery))
      await time(name, 'count', () => docket.count(filter))
    }
    // Nothing waits for it, so that as many are looked through as a call does.
    await time('what a step waits for', 'search', () =>
      docket.list({ waitsFor: { signal: 'Nobody' }, limit: pageSize }),
    )
  }
  return [...measured.values()]
}
