import { describe, expect, test } from 'vitest'
import {
  AbortExecutionError,
  dataType,
  graph,
  NonRetryableError,
  step,
  type,
  untypedGraph,
} from '../../../src/index.ts'
import { number, rejectionOf, stepErrorOf, uniqueName } from '../../loose-api.ts'
import { WatchedStore } from '../../durable/watched-store.ts'
import { door, First, line, Third } from '../../durable/line.ts'
import { SqliteWorld, worlds } from '../embedded-worlds.ts'

// What was weak in Docket for Go and takes a store to be seen. What takes a server (time zones, MySQL's tables, a Redis Cluster) is in
// on-servers.test.ts.

const Leaf = number('Leaf')
const [A, B, Target] = [number('A'), number('B'), number('Target')]
const boom = new Error('boom')
const inputs = { Seed: 1 }
const global = { persist: 'global' } as const

/** A graph of one step whose result is shared by all. */
function sharing(run: (leaf: number) => number | Promise<number>, more: object = {}, name = uniqueName()) {
  return graph({
    name,
    steps: [
      step({
        name: 's',
        inputs: { leaf: Leaf },
        output: Target,
        ...global,
        run: ({ leaf }: { leaf: number }) => run(leaf),
        ...more,
      }),
    ],
  })
}

/** A charge that waits at a door, and a sibling that fails for a leaf of 0 until it is mended. */
function charging() {
  let [charges, isFailing] = [0, true]
  const done = door()
  const paying = graph({
    name: 'paying',
    timeout: '1m',
    steps: [
      step({ name: 'charge', output: A, persist: 'execution', run: () => (charges++, done.promise) }),
      step({ name: 'other', inputs: { leaf: Leaf }, output: B, run: ({ leaf }) => other(leaf) }),
      step({ name: 'both', inputs: { a: A, b: B }, output: Target, run: ({ a, b }) => a + b }),
    ],
  })
  const other = (leaf: number): number => {
    if (isFailing && leaf === 0) throw boom
    return leaf
  }
  return { paying, done, mend: () => void (isFailing = false), charges: () => charges }
}

describe.each(worlds)('in %s', (_, newWorld) => {
  test('50 equal calls in five processes run the step once', async () => {
    const world = newWorld()
    let runs = 0
    const shared = sharing(async () => (await world.clock.sleep(100), ++runs))
    const processes = Array.from({ length: 5 }, () => world.process({ graphs: [shared] }))
    const calls = processes.flatMap((docket, at) =>
      Array.from({ length: 10 }, (_, call) =>
        docket.execute(shared, Target, { Leaf: 1 }, call % 2 === 0 ? {} : { id: `${at}-${call}` }),
      ),
    )
    expect(await world.clock.settle(Promise.all(calls))).toEqual(Array.from({ length: 50 }, () => 1))
  })

  test('50 equal items of a durable batch run the step once', async () => {
    const world = newWorld()
    let runs = 0
    const shared = sharing(async () => (await world.clock.sleep(100), ++runs))
    const items = Array.from({ length: 50 }, () => ({ Leaf: 1 }))
    const batch = await world.process({ graphs: [shared] }).startBatch(shared, Target, items)
    expect(await world.clock.settle(batch.result())).toEqual(Array.from({ length: 50 }, () => 1))
  })

  test('a slower failing twin does not overwrite the stored success', async () => {
    const world = newWorld()
    const watched = new WatchedStore(world.store)
    const late = door()
    let runs = 0
    const shared = sharing(() => (++runs === 1 ? late.promise : 7))
    const slow = world.process({ graphs: [shared], store: watched.store })
    const twin = stepErrorOf(slow.execute(shared, Target, { Leaf: 1 }))
    await world.clock.advance(10)
    watched.cut()
    await world.clock.advance(6_000)
    const docket = world.process({ graphs: [shared] })
    expect(await world.clock.settle(docket.execute(shared, Target, { Leaf: 1 }))).toBe(7)
    watched.mend()
    late.reject(boom)
    await world.clock.advance(5_000)
    expect((await world.clock.settle(twin)).cause).toBe(boom)
    expect(await world.clock.settle(docket.execute(shared, Target, { Leaf: 1 }))).toBe(7)
    expect(runs).toBe(2)
  })

  describe('a step that did its work is recorded, and not done again, though meanwhile', () => {
    test.each(['a sibling failed', 'it was cancelled', 'the time was over'])('%s', async (what) => {
      const world = newWorld()
      const { paying, done, mend, charges } = charging()
      const docket = world.process({ graphs: [paying] })
      const leaf = what === 'a sibling failed' ? 0 : 2
      const handle = await docket.start(paying, Target, { Leaf: leaf }, { id: 'a' })
      const outcome = rejectionOf(handle.result())
      await world.clock.advance(10)
      if (what === 'it was cancelled') await handle.cancel()
      if (what === 'the time was over') await world.clock.advance(60_000)
      await world.clock.settle(outcome)
      done.resolve(5)
      await world.clock.advance(10)
      expect((await handle.details()).steps).toContainEqual(
        expect.objectContaining({ step: 'charge', status: 'completed', output: 5 }),
      )
      mend()
      expect(await world.clock.settle((await docket.retry('a')).result())).toBe(5 + leaf)
      expect(charges()).toBe(1)
    })
  })

  test('a store that is down fails the step, or, where it is to run all the same, emits an event', async () => {
    const world = newWorld()
    const watched = new WatchedStore(world.store)
    const strict = sharing((leaf) => leaf, { timeout: '1s' })
    const careless = sharing((leaf) => leaf, { timeout: '1s', persist: { scope: 'global', onStoreError: 'run' } })
    const docket = world.process({ graphs: [strict, careless], store: watched.store })
    await docket.list()
    watched.before = ({ name }) => {
      if (name === 'commitResults') throw new Error('disk full')
    }
    const failing = stepErrorOf(docket.execute(strict, Target, { Leaf: 1 }))
    expect((await world.clock.settle(failing)).cause).toMatchObject({ message: expect.stringContaining('disk full') })
    expect(world.events.filter(({ type }) => type === 'store.failed')).toEqual([])
    expect(await world.clock.settle(docket.execute(careless, Target, { Leaf: 1 }))).toBe(1)
    expect(world.events.filter(({ type }) => type === 'store.failed')).toMatchObject([{ operation: 'keep' }])
  })

  test('once per execution holds over crashes though a timestamp above it differs each time', async () => {
    const world = newWorld()
    let charges = 0
    const paying = (hangs: boolean) =>
      graph({
        name: 'paying',
        steps: [
          step({ name: 'now', output: A, run: () => world.clock.now() }),
          step({ name: 'charge', inputs: { now: A }, output: B, persist: 'execution', run: () => ++charges }),
          step({
            name: 'tell',
            inputs: { now: A, charge: B },
            output: Target,
            persist: 'execution',
            run: ({ charge }) => (hangs ? door().promise : charge),
          }),
        ],
      })
    for (let crash = 0; crash < 3; crash++) {
      const doomed = paying(true)
      const { docket, die } = world.mortal({ graphs: [doomed] })
      if (crash === 0) await docket.start(doomed, Target, {}, { id: 'a' })
      await world.clock.advance(10_000)
      expect(charges).toBe(1)
      die()
    }
    const healthy = paying(false)
    const docket = world.process({ graphs: [healthy] })
    for (let call = 0; call < 3; call++)
      expect(await world.clock.settle(docket.execute(healthy, Target, {}, { id: 'a' }))).toBe(1)
    expect(charges).toBe(1)
  })

  test('a durable step’s timeout holds though it ignores its signal, and is recorded as what it is', async () => {
    const world = newWorld()
    const begunAt = world.clock.now()
    const { line: slow } = line({ second: { timeout: '10ms', run: async () => (await world.clock.sleep(100), 1) } })
    const docket = world.process({ graphs: [slow] })
    await world.clock.settle(stepErrorOf(docket.execute(slow, Third, inputs, { id: 'a' })))
    expect(world.clock.now() - begunAt).toBe(10)
    const { steps, error } = await (await docket.get('a'))!.details()
    expect(error).toMatchObject({ name: 'StepError', cause: { name: 'StepTimeoutError' } })
    expect(steps).toContainEqual(expect.objectContaining({ step: 'Second', status: 'failed' }))
  })

  test('no id and step name run together', async () => {
    const world = newWorld()
    const made: string[] = []
    const named = (name: string) =>
      graph({
        name: `of ${name}`,
        steps: [
          step({ name, output: A, persist: 'execution', run: (_, { idempotencyKey }) => made.push(idempotencyKey) }),
        ],
      })
    const [one, other] = [named('c'), named('b:c')]
    const docket = world.process({ graphs: [one, other] })
    expect(await world.clock.settle(docket.execute(one, A, {}, { id: 'a:b' }))).toBe(1)
    expect(await world.clock.settle(docket.execute(other, A, {}, { id: 'a' }))).toBe(2)
    expect(new Set(made).size).toBe(2)
  })

  test('no two lists of inputs run together, and equal ones meet whatever the order of their properties', async () => {
    const world = newWorld()
    const Any = dataType('Any', type<unknown>())
    let runs = 0
    const shared = graph({
      name: 'framed',
      steps: [step({ name: 's', inputs: { any: Any }, output: Target, persist: 'global', run: () => ++runs })],
    })
    const different: unknown[] = [
      ['ab', 'c'],
      ['a', 'bc'],
      ['abc'],
      ['', 'abc'],
      'abc',
      { a: 1, b: 2 },
      { a: 12 },
      '1',
      1,
    ]
    for (const [at, value] of [...different, { b: 2, a: 1 }].entries()) {
      const result = world.process({ graphs: [shared] }).execute(shared, Target, { Any: value })
      expect(await world.clock.settle(result)).toBe(at < different.length ? at + 1 : 6)
    }
  })

  test('what another version of the step or of its type made is not served', async () => {
    const world = newWorld()
    let runs = 0
    const name = uniqueName()
    const versions = [
      {},
      { version: 1 },
      { version: 2 },
      { output: dataType('Target', type<number>(), { version: 'v2' }) },
    ]
    for (const [at, version] of versions.entries()) {
      const shared = sharing(() => ++runs, version, name)
      for (let process = 0; process < 2; process++) {
        const docket = world.process({ graphs: [shared] })
        expect(await world.clock.settle(docket.execute(shared, Target, { Leaf: 1 }))).toBe(at + 1)
      }
    }
  })

  test('a step that changes its input keeps its key, and what is stored is changed by nobody', async () => {
    const world = newWorld()
    const List = dataType('List', type<number[]>())
    let runs = 0
    const shared = graph({
      name: 'changing',
      steps: [
        step({
          name: 's',
          inputs: { list: List },
          output: dataType('Made', type<{ list: number[] }>()),
          persist: 'global',
          run: ({ list }) => ((list as number[]).push(++runs), { list: list as number[] }),
        }),
      ],
    })
    const Made = dataType('Made', type<{ list: number[] }>())
    for (let call = 0; call < 5; call++) {
      const docket = world.process({ graphs: [shared] })
      const made = await world.clock.settle(docket.execute(shared, Made as never, { List: [0] } as never))
      expect(made).toEqual({ list: [0, 1] })
      ;(made as { list: number[] }).list.push(99)
    }
    expect(runs).toBe(1)
  })

  test('a failure is recorded with its cause, a cancellation as one, and neither for the other; a result is kept', async () => {
    const world = newWorld()
    const parallel = graph({
      name: 'parallel',
      steps: [
        step({
          name: 'fails',
          inputs: { leaf: Leaf },
          output: A,
          retry: { maxAttempts: 3 },
          run: async ({ leaf }, { attempt }) => {
            await world.clock.sleep(10)
            if (leaf === 0 && attempt < 3) throw boom
            if (leaf === 1) throw new AbortExecutionError('stop')
            if (leaf === 2) throw new NonRetryableError('never')
            return attempt
          },
        }),
        step({ name: 'waits', output: B, run: (_, { signal }) => world.clock.sleep(1_000, signal).then(() => 1) }),
        step({ name: 'both', inputs: { a: A, b: B }, output: Target, run: ({ a }) => a }),
      ],
    })
    const docket = world.process({ graphs: [parallel] })
    const ids = ['transient', 'aborted', 'final', 'cancelled']
    for (const [leaf, id] of ids.entries()) await docket.start(parallel, Target, { Leaf: leaf }, { id })
    await world.clock.advance(100)
    await docket.cancel('cancelled')
    await world.clock.advance(10_000)
    const told = await Promise.all(ids.map(async (id) => (await docket.get(id))!.details()))
    expect(told).toMatchObject([
      { status: 'completed', output: 3 },
      {
        status: 'failed',
        error: { name: 'StepError', attempt: 1, cause: { name: 'AbortExecutionError', message: 'stop' } },
      },
      { status: 'failed', error: { name: 'StepError', attempt: 1, cause: { name: 'NonRetryableError' } } },
      { status: 'cancelled', error: { name: 'ExecutionCancelledError' } },
    ])
    expect(await docket.execute(parallel, Target, { Leaf: 0 }, { id: 'transient' })).toBe(3)
  })

  test('no failure is served as a result, neither to an execution nor to others', async () => {
    const world = newWorld()
    let runs = 0
    const shared = sharing(() => {
      if (++runs < 3) throw boom
      return runs
    })
    const docket = world.process({ graphs: [shared] })
    for (const id of ['a', 'b'])
      await world.clock.settle(stepErrorOf(docket.execute(shared, Target, { Leaf: 1 }, { id })))
    expect(await world.clock.settle(docket.execute(shared, Target, { Leaf: 1 }, { id: 'a' }))).toBe(3)
    expect(await world.clock.settle(docket.execute(shared, Target, { Leaf: 1 }, { id: 'b' }))).toBe(3)
    expect(runs).toBe(3)
  })

  test('names that look like SQL, separators and other alphabets are names like others', async () => {
    const world = newWorld()
    const names = [
      `x'); drop table docket_executions; --`,
      'a|b:c/d\\e',
      '"',
      '%_',
      'Größe 😀',
      '\u0000',
      ' ',
      '{}',
      '.*',
    ]
    for (const name of names) {
      const target = dataType(name, type<string>())
      const hostile = untypedGraph({
        name,
        steps: [step({ name, output: target as never, persist: 'execution', run: () => name as never })],
      })
      const docket = world.process({ graphs: [hostile] })
      const handle = await docket.start(hostile, target as never, {}, { id: name, headers: { [name]: name } })
      expect(await world.clock.settle(handle.result())).toBe(name)
      expect(await (await docket.get(name))!.details()).toMatchObject({
        id: name,
        graph: name,
        headers: { [name]: name },
      })
    }
    const { executions } = await world.process({ graphs: [line().line] }).list()
    expect(executions.map(({ id }) => id).toSorted()).toEqual(names.toSorted())
  })
})

describe('a store does not grow with what can no longer be read', () => {
  test('results that have expired are removed while a docket lives', async () => {
    const world = new SqliteWorld()
    const { line: brief } = line({ first: { persist: { scope: 'global', ttl: '50ms' } } })
    const docket = world.process({ graphs: [brief] })
    const all = Array.from({ length: 1_000 }, (_, Seed) => docket.execute(brief, First, { Seed }))
    await world.clock.settle(Promise.all(all))
    expect(world.ask('select count(*) from docket_results')).toEqual([1_000])
    await world.clock.advance(180_000)
    expect(world.ask('select count(*) from docket_results')).toEqual([0])
  })

  test('executions that ended are purged, with what they wrote', async () => {
    const world = new SqliteWorld()
    const { line: graph } = line()
    const docket = world.process({ graphs: [graph] })
    for (let Seed = 0; Seed < 20; Seed++) await docket.execute(graph, Third, { Seed }, { id: `${Seed}` })
    await world.clock.advance(10_000)
    expect(await docket.purge({ olderThan: '5s' })).toBe(20)
    for (const table of ['executions', 'steps', 'mailbox'])
      expect(world.ask(`select count(*) from docket_${table}`)).toEqual([0])
  })

  test('results are found by an index', async () => {
    const world = new SqliteWorld()
    await world.store.open()
    const plan = world.database.prepare('explain query plan select * from docket_results where id = ?').all('x')
    expect(plan.map(({ detail }) => String(detail)).join()).toMatch(/^SEARCH docket_results USING INDEX/)
    const expired = "select id from docket_results where expires_at is not null and expires_at <= 'x'"
    const purge = world.database.prepare(`explain query plan ${expired}`).all()
    expect(purge.map(({ detail }) => String(detail)).join()).toMatch(/^SEARCH docket_results USING (COVERING )?INDEX/)
  })
})
