import { describe, expect, test } from 'vitest'
import { graph, GraphError, OptionError, step } from '../../../src/index.ts'
import { graphOf, number, rejectionOf, stepErrorOf, thrownBy } from '../../loose-api.ts'
import { WatchedStore, writes } from '../../durable/watched-store.ts'
import { door, line, Third } from '../../durable/line.ts'
import { SqliteWorld, worlds } from '../embedded-worlds.ts'

/*
 * What was weak in Tributary and must hold here; each test fails on its behaviour. More of them are
 * in codecs-hints-and-retries.test.ts, those that take a server in on-servers.test.ts. What it promises is in the files
 * workflow….test.ts: order, results, attempts, options, times, queues, hooks, transactions.
 *
 * Without a test here:
 *
 * - an in-memory collector of metrics: there is none; test/observers/prometheus.test.ts has what is counted
 * - hooks of which only an example is needed: examples/hooks, which test/examples runs
 * - the context of a log: `ctx.log` has a test of its own, test/runtime/execution/ctx-log.test.ts
 * - wrong documentation: test/docs runs what the documentation shows
 */

const inputs = { Seed: 1 }
const [A, B, Target] = [number('A'), number('B'), number('Target')]

/** Two steps that wait at doors, and what needs both. */
function fork() {
  const [left, right] = [door(), door()]
  let joins = 0
  const forked = graph({
    name: 'fork',
    steps: [
      step({ name: 'left', output: A, persist: 'execution', run: () => left.promise }),
      step({ name: 'right', output: B, persist: 'execution', run: () => right.promise }),
      step({
        name: 'join',
        inputs: { a: A, b: B },
        output: Target,
        persist: 'execution',
        run: ({ a, b }) => (joins++, a + b),
      }),
    ],
  })
  return { forked, left, right, joins: () => joins }
}

describe.each(worlds)('in %s', (_, newWorld) => {
  test('a step that was running when its process died is run by another one, within lease and a second', async () => {
    const world = newWorld()
    const { line: doomed } = line({ second: { run: () => door().promise } })
    const { docket, die } = world.mortal({ graphs: [doomed], lease: '5s' })
    await docket.start(doomed, Third, inputs, { id: 'a' })
    await world.clock.advance(10)
    die()
    const { line: healthy, runs } = line()
    const survivor = world.process({ graphs: [healthy] })
    await world.clock.advance(6_000)
    expect(runs).toEqual(['Second', 'Third'])
    expect((await survivor.list({ status: 'running' })).executions).toEqual([])
  })

  test('a graceful shutdown writes what running steps make, and leaves nothing running', async () => {
    const world = newWorld()
    const gate = door()
    const { line: graph, runs } = line({ second: { run: () => gate.promise } })
    const leaving = world.process({ graphs: [graph], store: new WatchedStore(world.store).store })
    await leaving.start(graph, Third, inputs, { id: 'a' })
    await world.clock.advance(10)
    const closing = leaving.close({ drain: false })
    await world.clock.advance(1_000)
    gate.resolve(7)
    await world.clock.settle(closing)
    const [record] = await world.store.get(['a'])
    expect(record?.owner).toBeUndefined()
    const { steps } = await world.store.readSteps(['a'])
    expect(steps).toContainEqual(expect.objectContaining({ step: 'Second', status: 'completed', output: '7' }))
    const { line: rest, runs: others } = line()
    expect(await world.clock.settle((await world.process({ graphs: [rest] }).get('a'))!.result())).toBe(8)
    expect([runs, others]).toEqual([['First', 'Second'], ['Third']])
  })

  test('a finished step whose write fails is written as soon as it can be, and never done again', async () => {
    const world = newWorld()
    const watched = new WatchedStore(world.store)
    const gate = door()
    const { line: graph, runs } = line({ first: { run: () => gate.promise } })
    const docket = world.process({ graphs: [graph], store: watched.store })
    const handle = await docket.start(graph, Third, inputs, { id: 'a' })
    watched.cut()
    gate.resolve(2)
    await world.clock.advance(3_000)
    expect(runs).toEqual(['First'])
    watched.mend()
    expect(await world.clock.settle(handle.result())).toBe(4)
    expect(runs).toEqual(['First', 'Second', 'Third'])
  })

  test('a write that the store refuses for good fails the execution: it does not run for ever', async () => {
    const world = newWorld()
    const watched = new WatchedStore(world.store)
    const { line: graph } = line()
    const docket = world.process({ graphs: [graph], store: watched.store })
    watched.before = (call) => {
      if (writes(call, 'Second')) throw new Error('too big')
    }
    expect((await world.clock.settle(stepErrorOf(docket.execute(graph, Third, inputs, { id: 'a' })))).step).toBe(
      'Second',
    )
    expect(await (await docket.get('a'))!.details()).toMatchObject({ status: 'failed' })
  })

  test.each([0, 1, 7])(
    'two last parallel steps that commit at the same time complete the execution (%i ms apart)',
    async (apart) => {
      const world = newWorld()
      const watched = new WatchedStore(world.store)
      // Each commit takes a while, so that the two are under way together.
      watched.before = ({ name }) => (name === 'commit' ? world.clock.sleep(10) : undefined)
      for (let round = 0; round < 20; round++) {
        const { forked, left, right, joins } = fork()
        const docket = world.process({ graphs: [forked], store: watched.store })
        const handle = await world.clock.settle(docket.start(forked, Target, {}, { id: `${round}` }))
        left.resolve(1)
        await world.clock.advance(apart)
        right.resolve(2)
        expect(await world.clock.settle(handle.result())).toBe(3)
        expect(await handle.details()).toMatchObject({ status: 'completed', output: 3 })
        expect(joins()).toBe(1)
      }
    },
  )

  test('what depends on a failed step ends with it, and so do the other branches', async () => {
    const world = newWorld()
    let [signalled, after] = [false, 0]
    const failing = graph({
      name: 'failing',
      steps: [
        step({
          name: 'fails',
          output: A,
          persist: 'execution',
          run: async () => {
            await world.clock.sleep(10)
            throw new Error('no')
          },
        }),
        step({
          name: 'branch',
          output: B,
          persist: 'execution',
          run: (_, { signal }) => {
            signal.addEventListener('abort', () => (signalled = true))
            return world.clock.sleep(1_000, signal).then(() => 1)
          },
        }),
        step({ name: 'both', inputs: { a: A, b: B }, output: Target, run: () => ++after }),
      ],
    })
    const docket = world.process({ graphs: [failing] })
    await world.clock.settle(stepErrorOf(docket.execute(failing, Target, {}, { id: 'a' })))
    await world.clock.advance(60_000)
    expect([signalled, after]).toEqual([true, 0])
    const { status, steps } = await (await docket.get('a'))!.details()
    expect(status).toBe('failed')
    for (const { status } of steps) expect(['failed', 'cancelled', 'skipped']).toContain(status)
    expect((await docket.list({ status: ['pending', 'running'] })).executions).toEqual([])
  })

  test('a start that fails leaves nothing behind that runs, neither for one execution nor for a batch', async () => {
    const world = newWorld()
    const { line: graph } = line()
    const docket = world.process({ graphs: [graph], maxValueBytes: 100 })
    const tooBig = 'x'.repeat(200) as never
    await rejectionOf(docket.start(graph, Third, { Seed: tooBig }, { id: 'a' }))
    await rejectionOf(docket.start(graph, Third, {} as never, { id: 'b' }))
    await rejectionOf(docket.startBatch(graph, Third, [{ Seed: 1 }, {} as never], { id: 'c' }))
    await rejectionOf(docket.startBatch(graph, Third, [{ Seed: 1 }, { Seed: tooBig }], { id: 'd' }))
    await world.clock.advance(60_000)
    expect((await docket.list()).executions).toEqual([])
  })
})

function make(name: string, output: unknown, input: unknown): unknown {
  return step({ name, inputs: { input }, output, run: () => 1 } as never)
}

test('a cycle, and a step that needs its own output, are refused before anything runs', () => {
  for (const steps of [[make('own', A, A)], [make('one', A, B), make('other', B, A)]])
    expect(thrownBy(() => graphOf(steps))).toMatchObject({ problems: [{ kind: 'cycle' }] })
})

test('duplicate names are refused, and so is a target that no step makes: nothing runs for ever', async () => {
  const one = step({ name: 's', output: A, run: () => 1 })
  expect(thrownBy(() => graphOf([one, { ...one, output: B }]))).toBeInstanceOf(GraphError)
  const world = new SqliteWorld()
  const { line: graph } = line()
  const docket = world.process({ graphs: [graph] })
  expect(await rejectionOf(docket.start(graph, Target as never, {} as never, { id: 'a' }))).toBeInstanceOf(GraphError)
  const batch = await docket.startBatch(graph, Third, [], { id: 'empty' })
  expect(await world.clock.settle(batch.result())).toEqual([])
  expect((await docket.list()).executions).toMatchObject([{ id: 'empty', status: 'completed' }])
})

describe('the caller’s transaction is the caller’s', () => {
  test('what is started in it exists if and only if the caller commits', async () => {
    const world = new SqliteWorld()
    const { line: graph, runs } = line()
    const docket = world.process({ graphs: [graph] })
    await docket.list()
    const { database } = world
    database.exec('create table orders (id text)')
    for (const [id, ending] of [
      ['kept', 'commit'],
      ['dropped', 'rollback'],
    ] as const) {
      database.exec('begin')
      database.prepare('insert into orders values (?)').run(id)
      await docket.start(graph, Third, inputs, { id, transaction: database })
      expect(database.isTransaction).toBe(true)
      database.exec(ending)
    }
    await world.clock.advance(2_000)
    expect(world.ask('select id from orders')).toEqual(['kept'])
    expect((await docket.list()).executions).toMatchObject([{ id: 'kept', status: 'completed' }])
    expect(runs).toEqual(['First', 'Second', 'Third'])
  })

  test('a store that can’t take part says so', async () => {
    const [, newWorld] = worlds[0]!
    const { line: graph } = line()
    const error = await rejectionOf(
      newWorld()
        .process({ graphs: [graph] })
        .start(graph, Third, inputs, { transaction: {} }),
    )
    expect(error).toBeInstanceOf(OptionError)
  })
})
