import { Counter, Registry } from 'prom-client'
import { describe, expect, test } from 'vitest'
import { createDocket, graph, OptionError, step, untypedGraph } from '../../src/index.ts'
import { metricDefinitions } from '../../src/observers/metrics/definitions.ts'
import { prometheusObserver } from '../../src/observers/prometheus.ts'
import { memoryStore } from '../../stores/memory/index.ts'
import { World } from '../durable/durable-time.ts'
import { outage, WatchedStore } from '../durable/watched-store.ts'
import { expectNoUnhandledErrors, graphOf, number, rejectionOf, run, thrownBy, uniqueName } from '../loose-api.ts'
import { parseExposition, valuesOf } from './exposition.ts'

expectNoUnhandledErrors()

const Leaf = number('Leaf')
const Middle = number('Middle')
const Target = number('Target')

function counting(more: object = {}) {
  const registry = new Registry()
  const observer = prometheusObserver({ registry, ...more })
  const values = async (metric: string, suffix?: string) => valuesOf(await registry.metrics(), metric, suffix)
  return { registry, observer, observers: [observer], values }
}

/** (Leaf) → Middle → Target, in a graph that the program declares. */
function declared(name: string, attempted: (attempt: number) => number = () => 1) {
  return graph({
    name,
    steps: [
      step({ name: 'First', inputs: { leaf: Leaf }, output: Middle, persist: 'execution', run: ({ leaf }) => leaf }),
      step({
        name: 'Second',
        inputs: { middle: Middle },
        output: Target,
        retry: { maxAttempts: 3 },
        run: (_, { attempt }) => attempted(attempt),
      }),
    ],
  })
}

const graphs = [declared('orders')]

function failingUntil(attempt: number) {
  return (now: number): number => {
    if (now < attempt) throw new TypeError(`secret of attempt ${now}`)
    return 1
  }
}

describe('prometheusObserver', () => {
  test('counts executions, attempts, retries and looks into the cache', async () => {
    const { observers, values } = counting()
    const orders = declared('orders', failingUntil(3))
    await run(orders, Target, { Leaf: 1 }, { observers, id: uniqueName() })
    const refunds = declared('refunds', failingUntil(9))
    await rejectionOf(run(refunds, Target, { Leaf: 1 }, { observers, id: uniqueName() }))
    expect(await values('docket_executions_started_total')).toEqual({ 'orders Target': 1, 'refunds Target': 1 })
    expect(await values('docket_executions_ended_total')).toEqual({
      'orders Target completed ': 1,
      'refunds Target failed STEP_FAILED': 1,
    })
    expect(await values('docket_executions_running')).toEqual({ 'orders Target': 0, 'refunds Target': 0 })
    expect(await values('docket_step_attempts_total')).toEqual({
      'orders First completed': 1,
      'orders Second failed': 2,
      'orders Second completed': 1,
      'refunds First completed': 1,
      'refunds Second failed': 3,
    })
    expect(await values('docket_step_retries_total')).toEqual({ 'orders Second': 2, 'refunds Second': 2 })
    expect(await values('docket_execution_duration_seconds', '_count')).toEqual({
      'orders Target completed': 1,
      'refunds Target failed': 1,
    })
    expect(await values('docket_cache_lookups_total')).toEqual({
      'orders First execution miss': 1,
      'refunds First execution miss': 1,
    })
  })

  test('has the metrics, types and labels that are documented, in a text that an independent parser reads', async () => {
    const { registry, observers } = counting()
    await run(declared('orders'), Target, { Leaf: 1 }, { observers })
    const exposed = parseExposition(await registry.metrics())
    expect([...exposed].map(([name, { type: kind }]) => [name, kind])).toEqual(
      Object.values(metricDefinitions).map(({ name, type: kind }) => [name, kind]),
    )
    const known = ['graph', 'target', 'step', 'status', 'scope', 'queue', 'error_code']
    const braced = ['outcome', 'result', 'after', 'operation', 'state']
    for (const { labels } of Object.values(metricDefinitions))
      expect([...known, ...braced]).toEqual(expect.arrayContaining([...labels]))
    const bounds = exposed.get('docket_step_duration_seconds')!.samples.flatMap(({ labels }) => labels['le'] ?? [])
    expect([bounds[0], bounds.at(-2)]).toEqual(['0.001', '60'])
  })

  test('is read as OpenMetrics too', async () => {
    const registry = new Registry()
    registry.setContentType(Registry.OPENMETRICS_CONTENT_TYPE as never)
    const observers = [prometheusObserver({ registry })]
    await run(declared('orders'), Target, { Leaf: 1 }, { observers })
    const text = await registry.metrics()
    expect(text).toContain('\ndocket_executions_started_total{graph="orders",target="Target"} 1\n')
    expect(text).toContain('# TYPE docket_executions_started counter')
  })

  test('a graph’s name with quotes, lines and backslashes is a label that is read back as it was', async () => {
    const { observers, values } = counting()
    const name = 'a "b"\n\\c'
    await run(declared(name), Target, { Leaf: 1 }, { observers })
    expect(await values('docket_executions_started_total')).toEqual({ [`${name} Target`]: 1 })
  })

  test('no id, message or value is anywhere in it', async () => {
    const { registry, observers } = counting()
    const failing = declared('orders', failingUntil(9))
    await rejectionOf(run(failing, Target, { Leaf: 987_654 }, { id: 'id-of-one', observers }))
    expect(await registry.metrics()).not.toMatch(/id-of-one|secret|987654/)
  })

  test('10,000 executions make as many series as one does, however many names of untyped graphs there are', async () => {
    const { registry, observers } = counting({ maxUntypedNames: 12 })
    const orders = declared('orders')
    const one = step({ name: 'One', output: Target, run: () => 1 })
    const series = async () =>
      [...parseExposition(await registry.metrics()).values()].flatMap(({ samples }) => samples).length
    const some = async (count: number) => {
      for (let index = 0; index < count; index++) {
        await run(orders, Target, { Leaf: index }, { observers, id: uniqueName('id') })
        if (index % 40 === 0) {
          const made = untypedGraph({ name: uniqueName(), steps: [{ ...one, name: uniqueName('step') } as typeof one] })
          await run(made, Target, {}, { observers })
        }
      }
    }
    await some(400)
    const first = await series()
    await some(10_000)
    expect(await series()).toBe(first)
    const started = Object.entries(valuesOf(await registry.metrics(), 'docket_executions_started_total'))
    expect(started.length).toBeLessThanOrEqual(32)
    expect(started.find(([name]) => name === 'other other')![1]).toBeGreaterThan(240)
    expect(started.find(([name]) => name === 'orders Target')![1]).toBe(10_400)
  })

  test('made twice for one registry it throws nothing, and counts nothing twice', async () => {
    const { registry, observer, values } = counting()
    const again = prometheusObserver({ registry })
    const orders = graphOf([step({ name: 'One', output: Target, run: () => 1 })], { observers: [observer, again] })
    await run(orders, Target, {}, { observers: [again] })
    expect(await values('docket_executions_started_total')).toEqual({ [`${orders.name} Target`]: 1 })
    const store = memoryStore()
    await using docket = createDocket({ graphs, store, observers: [observer, again] })
    await docket.execute(graphs[0]!, Target, { Leaf: 1 }, { id: 'a' })
    expect(await values('docket_queue_wait_seconds', '_count')).toEqual({ default: 1 })
    expect((await values('docket_store_call_seconds', '_count'))['create']).toBe(1)
  })

  test('a metric that is somebody else’s stays theirs', async () => {
    const registry = new Registry()
    const theirs = new Counter({ name: 'docket_wakes_total', help: 'theirs', registers: [registry] })
    theirs.inc(7)
    prometheusObserver({ registry })
    expect(valuesOf(await registry.metrics(), 'docket_wakes_total')).toEqual({ '': 7 })
  })

  test('a registry that is reset counts from nothing', async () => {
    const { registry, observers, values } = counting()
    const orders = declared('orders')
    await run(orders, Target, { Leaf: 1 }, { observers })
    registry.resetMetrics()
    await run(orders, Target, { Leaf: 1 }, { observers })
    expect(await values('docket_executions_started_total')).toEqual({ 'orders Target': 1 })
  })

  test('a registry that is reset while executions live counts them still, and none below zero once they are gone', async () => {
    const { registry, observers, values } = counting()
    const gate = Promise.withResolvers<number>()
    const running = run(slowGraph(gate.promise), Target, { Leaf: 1 }, { observers })
    registry.resetMetrics()
    expect(await values('docket_executions_running')).toEqual({ 'slow Target': 1 })
    gate.resolve(1)
    await running
    expect(await values('docket_executions_running')).toEqual({ 'slow Target': 0 })
  })

  test.each([
    [{ registry: {} }, 'registry must be a Registry of prom-client, not an object'],
    [{ docket: {} }, 'docket must be a docket, as createDocket makes it, not an object'],
    [{ queues: 'gpu' }, 'queues must be an array of names, not "gpu"'],
    [{ storeTimeout: 0 }, 'storeTimeout 0 is not a duration above zero'],
    [{ maxUntypedNames: -1 }, 'maxUntypedNames must be a whole number, not -1'],
    [{ register: 1 }, 'unknown'],
  ])('refuses %o', (options, message) => {
    const error = thrownBy(() => prometheusObserver(options as never))
    expect(error).toBeInstanceOf(OptionError)
    expect((error as Error).message).toContain(message)
  })
})

function processOf(world: World, more: object = {}) {
  const counted = counting({ storeTimeout: '50ms' })
  const watched = new WatchedStore(world.store)
  const docket = world.process({ graphs, store: watched.store, observers: counted.observers, ...more })
  return { ...counted, docket, watched }
}

const slowGraph = (value: Promise<number>) =>
  graph({
    name: 'slow',
    steps: [step({ name: 'Slow', inputs: { leaf: Leaf }, output: Target, persist: 'execution', run: () => value })],
  })

describe('prometheusObserver of a docket', () => {
  test('counts how long calls of the store take, and those that fail', async () => {
    const world = new World()
    const { docket, watched, values } = processOf(world)
    await world.clock.settle(docket.execute(graphs[0]!, Target, { Leaf: 1 }, { id: 'a' }))
    const calls = await values('docket_store_call_seconds', '_count')
    expect(calls).toMatchObject({ open: 1, create: 1 })
    expect(calls['commit']).toBeGreaterThan(0)
    watched.before = ({ name }) => {
      if (name === 'list') throw outage()
    }
    const listed = rejectionOf(docket.list())
    await world.clock.advance(60_000)
    await listed
    const failed = await values('docket_store_errors_total')
    expect(failed['list STORE_FAILED']).toBeGreaterThan(0)
  })

  test('says alike in all processes what queues have, and who serves them', async () => {
    const world = new World()
    const busy = processOf(world, { work: { default: 2 } })
    const other = processOf(world, { work: false })
    const idle = Promise.withResolvers<number>()
    const slow = untypedGraph({
      name: 'slow',
      steps: [step({ name: 'Slow', output: Target, run: () => idle.promise })],
    })
    busy.docket.addGraph(slow)
    other.docket.addGraph(slow)
    for (let index = 0; index < 5; index++) {
      await world.clock.settle(other.docket.start(slow, Target, {}, { id: `e${index}` }))
    }
    await world.clock.advance(10_000)
    for (const { values } of [busy, other]) {
      expect(await values('docket_queue_ready')).toEqual({ default: 3 })
      expect((await values('docket_queue_oldest_ready_seconds'))['default']).toBeGreaterThan(5)
      expect(await values('docket_worker_slots')).toEqual({ 'default busy': 2, 'default free': 0 })
      expect(await values('docket_timers_overdue')).toEqual({ default: 0 })
    }
    expect(await busy.values('docket_executions_running')).toMatchObject({ 'slow Target': 2 })
    idle.resolve(1)
    await world.clock.advance(5_000)
    expect(await busy.values('docket_queue_wait_seconds', '_count')).toEqual({ default: 5 })
  })

  test.each(['fails', 'hangs'])(
    'a store that %s makes no look at metrics fail or wait, and shows no old numbers',
    async (how) => {
      const world = new World()
      const { docket, watched, registry, values } = processOf(world)
      await world.clock.settle(docket.list())
      expect(await values('docket_queue_ready')).toEqual({ default: 0 })
      if (how === 'fails') watched.cut()
      else watched.before = () => new Promise(() => {})
      const before = watched.count('readWorkers')
      const texts = await Promise.all(Array.from({ length: 3 }, () => registry.metrics()))
      for (const text of texts) expect(valuesOf(text, 'docket_queue_ready')).toEqual({})
      expect(watched.count('readWorkers')).toBe(before + 1)
    },
  )

  test('a docket that is closed is read no more', async () => {
    const world = new World()
    const { docket, watched, values } = processOf(world)
    await world.clock.settle(docket.list())
    await world.clock.settle(docket.close())
    const before = watched.calls.length
    expect(await values('docket_queue_ready')).toEqual({})
    expect(watched.calls.length).toBe(before)
  })

  test('a store is read as long as one of the dockets on it is there, whichever of them closes', async () => {
    for (const first of [0, 1]) {
      const world = new World()
      const { observers, values } = counting({ storeTimeout: '50ms' })
      const dockets = [1, 2].map((slots) => world.process({ graphs, observers, work: { default: slots } }))
      for (const docket of dockets) await world.clock.settle(docket.list())
      expect(await values('docket_worker_slots')).toMatchObject({ 'default free': 3 })
      await world.clock.settle(dockets[first]!.close())
      expect(await values('docket_worker_slots')).toMatchObject({ 'default free': first === 0 ? 2 : 1 })
      await world.clock.settle(dockets[1 - first]!.close())
      expect(await values('docket_worker_slots')).toEqual({})
    }
  })

  test('a docket may be given to the observer, rather than the observer to the docket', async () => {
    const world = new World()
    const docket = world.process({ graphs, work: { default: 7 } })
    const { values } = counting({ docket })
    await world.clock.settle(docket.list())
    expect(await values('docket_worker_slots')).toEqual({ 'default busy': 0, 'default free': 7 })
  })

  test('an execution that goes on elsewhere is started once, and has taken its whole time', async () => {
    const world = new World()
    const { observers, values } = counting({ storeTimeout: '20ms' })
    const isOpen = Promise.withResolvers<number>()
    const first = world.mortal({ graphs: [slowGraph(isOpen.promise)], observers })
    await world.clock.settle(first.docket.startByName('slow', 'Target', { Leaf: 1 }, { id: 'a' }))
    await world.clock.advance(20_000)
    first.die()
    const second = world.process({ graphs: [slowGraph(Promise.resolve(5))], observers })
    await world.clock.advance(60_000)
    expect((await second.get('a'))?.id).toBe('a')
    expect(await values('docket_executions_started_total')).toEqual({ 'slow Target': 1 })
    expect(await values('docket_resumes_total')).toEqual({ 'slow death': 1 })
    expect(await values('docket_executions_ended_total')).toEqual({ 'slow Target completed ': 1 })
    const took = (await values('docket_execution_duration_seconds', '_sum'))['slow Target completed']
    expect(took).toBeGreaterThan(20)
    expect(await values('docket_lease_losses_total')).toEqual({ slow: 1 })
  })
})
