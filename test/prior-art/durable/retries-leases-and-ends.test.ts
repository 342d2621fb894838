import { describe, expect, test } from 'vitest'
import { graph, LeaseLostError, NonRetryableError, step } from '../../../src/index.ts'
import { acquireQueries } from '../../../stores/sqlite/acquirer.ts'
import { number, rejectionOf, stepErrorOf } from '../../loose-api.ts'
import { PausedClock } from '../../durable/paused-clock.ts'
import { WatchedStore, writes } from '../../durable/watched-store.ts'
import { door, First, line, Second, Third } from '../../durable/line.ts'
import { SqliteWorld, worlds } from '../embedded-worlds.ts'

/*
 * What was weak in durable and must hold here; each test fails on its behaviour. More of them are
 * in changes-and-idempotency.test.ts, with what absurd's tests require and applies.
 *
 * Without a test:
 *
 * - awaited events and their timeouts: there are none
 * - a leak of tokio tasks: test/durable/close.test.ts counts timers, and nothing here waits to be joined
 * - child tasks: there are none; what is here instead is an execution that a step starts under its own key
 * - results of children that a cleanup takes away: there are none; what is purged has a test under absurd
 * - suspending twice: there are no sleeps and waits; parallel steps have tests in test/runtime
 * - wrong documentation: test/docs runs what the documentation shows
 * - metrics and traces: there are none
 * - cron: there is none
 */

const inputs = { Seed: 1 }
const boom = new Error('boom')
const fails = {
  run: () => {
    throw boom
  },
}

describe.each(worlds)('in %s', (_, newWorld) => {
  test('without `retry` a step is tried once; with it, as often and as far apart as it says', async () => {
    const world = newWorld()
    const attemptsOf = async (id: string, retry: object | undefined): Promise<readonly number[]> => {
      const begunAt = world.clock.now()
      const at: number[] = []
      const { line: graph } = line({
        name: id,
        first: { retry, run: () => (at.push(world.clock.now() - begunAt), fails.run()) },
      })
      const docket = world.process({ graphs: [graph] })
      await world.clock.settle(stepErrorOf(docket.execute(graph, Third, inputs, { id })))
      return at
    }
    expect(await attemptsOf('unset', undefined)).toEqual([0])
    expect(await attemptsOf('empty', {})).toEqual([0])
    expect(await attemptsOf('thrice', { maxAttempts: 3, backoff: '5s' })).toEqual([0, 5_000, 10_000])
  })

  test('a thousand executions of three steps take none of the clock’s time', async () => {
    const world = newWorld()
    const begunAt = world.clock.now()
    const { line: graph, runs } = line()
    const docket = world.process({ graphs: [graph] })
    const all = Array.from({ length: 1_000 }, (_, Seed) => docket.execute(graph, Third, { Seed }, { id: `${Seed}` }))
    await world.clock.settle(Promise.all(all))
    expect(runs).toHaveLength(3_000)
    // A millisecond goes by with each turn of the event loop that a store on a file gives to others.
    expect(world.clock.now() - begunAt).toBeLessThan(1_000)
  })

  test('an execution that a step starts is started once, though the process dies before that is written', async () => {
    const world = newWorld()
    const child = line({ name: 'child' })
    const watched = new WatchedStore(world.store)
    const keys: string[] = []
    const parentIn = (start: (key: string) => Promise<unknown>) =>
      line({
        name: 'parent',
        first: {
          run: async (_, { idempotencyKey }) => (keys.push(idempotencyKey), Number(await start(idempotencyKey))),
        },
      }).line
    const starting = (docketOf: () => ReturnType<typeof world.process>) => (key: string) =>
      docketOf().execute(child.line, Third, inputs, { id: key })
    const first = parentIn(starting(() => one))
    const one = world.process({ graphs: [first, child.line], store: watched.store })
    watched.before = (call) =>
      writes(call, 'First') && keys.length > 0 && call.given.length > 0 && isOf(call, 'p')
        ? door<void>().promise
        : undefined
    await one.start(first, Third, inputs, { id: 'p' })
    await world.clock.advance(1_000)
    watched.cut()
    const second = parentIn(starting(() => two))
    const two = world.process({ graphs: [second, child.line] })
    expect(await world.clock.settle((await two.get('p'))!.result())).toBe(6)
    expect(keys).toHaveLength(2)
    expect(new Set(keys).size).toBe(1)
    expect((await two.list({ graph: 'child' })).executions).toHaveLength(1)
    expect(child.runs).toEqual(['First', 'Second', 'Third'])
  })

  test('whatever a step throws is tried again as its policy says; only what says so is final', async () => {
    const world = newWorld()
    const thrown: unknown[] = [boom, 'a text', undefined, null, { user: 'data' }, new TypeError('x is undefined')]
    for (const [at, one] of [...thrown, new NonRetryableError('final')].entries()) {
      const { line: graph, runs } = line({
        name: `g${at}`,
        first: {
          retry: { maxAttempts: 2 },
          run: (value, { attempt }) => {
            if (attempt === 1) throw one
            return value
          },
        },
      })
      const docket = world.process({ graphs: [graph] })
      const outcome = docket.execute(graph, First, inputs, { id: `${at}` })
      if (at < thrown.length) expect(await world.clock.settle(outcome)).toBe(1)
      else await world.clock.settle(stepErrorOf(outcome))
      expect(runs).toHaveLength(at < thrown.length ? 2 : 1)
    }
  })

  test('what ended stays as it ended, whatever is called later', async () => {
    const world = newWorld()
    const { line: graph } = line({ second: { run: (value) => (value === 2 ? fails.run() : value) } })
    const docket = world.process({ graphs: [graph] })
    await world.clock.settle(stepErrorOf(docket.execute(graph, Third, inputs, { id: 'failed' })))
    await world.clock.settle(docket.execute(graph, Third, { Seed: 5 }, { id: 'completed' }))
    const all = () => Promise.all(['failed', 'completed'].map(async (id) => (await docket.get(id))!.details()))
    const before = await all()
    for (const id of ['failed', 'completed']) await docket.cancel(id, 'too late')
    await rejectionOf(docket.retry('completed'))
    await world.clock.advance(600_000)
    expect(await all()).toEqual(before)
    expect(before.map(({ status }) => status)).toEqual(['failed', 'completed'])
  })

  test('of a cancelled execution, steps that completed stay completed, and one that failed stays failed', async () => {
    const world = newWorld()
    const [A, B, Target] = [number('A'), number('B'), number('Target')]
    const forked = graph({
      name: 'forked',
      steps: [
        step({ name: 'done', output: A, persist: 'execution', run: () => 1 }),
        step({ name: 'tried', output: B, persist: 'execution', retry: { maxAttempts: 5, backoff: '1m' }, ...fails }),
        step({ name: 'both', inputs: { a: A, b: B }, output: Target, run: () => 1 }),
      ],
    })
    const docket = world.process({ graphs: [forked] })
    const handle = await docket.start(forked, Target, {}, { id: 'a' })
    handle.result().catch(() => {})
    await world.clock.advance(1_000)
    await handle.cancel()
    await world.clock.advance(600_000)
    const { status, steps } = await handle.details()
    expect(status).toBe('cancelled')
    expect(steps).toContainEqual(expect.objectContaining({ step: 'done', status: 'completed', output: 1 }))
    expect(steps).toContainEqual(
      expect.objectContaining({
        step: 'tried',
        attempt: 1,
        error: expect.objectContaining({ message: 'boom' }) as unknown,
      }),
    )
  })

  test('a process that lost its lease stops at its end, so that no two run a step together', async () => {
    const world = newWorld()
    const watched = new WatchedStore(world.store)
    let [running, most] = [0, 0]
    const working = () =>
      line({
        second: {
          run: async (value, { signal }) => {
            most = Math.max(most, ++running)
            try {
              await world.clock.sleep(20_000, signal)
            } finally {
              running--
            }
            return value
          },
        },
      }).line
    const cut = working()
    const first = world.process({ graphs: [cut], store: watched.store, lease: '5s' })
    await first.start(cut, Third, inputs, { id: 'a' })
    await world.clock.advance(10)
    const survivor = world.process({ graphs: [working()], lease: '5s' })
    watched.cut()
    await world.clock.advance(60_000)
    expect((await survivor.list()).executions).toMatchObject([{ status: 'completed' }])
    expect(most).toBe(1)
  })

  test('a step needs no heartbeat of its own: one of five minutes keeps its lease of a second', async () => {
    const world = newWorld()
    const { line: slow, runs } = line({ second: { run: async (value) => (await world.clock.sleep(300_000), value) } })
    const docket = world.process({ graphs: [slow], lease: '1s' })
    const { line: rival, runs: others } = line()
    world.process({ graphs: [rival], lease: '1s' })
    const handle = await docket.start(slow, Third, inputs, { id: 'a' })
    expect(await world.clock.settle(handle.result())).toBe(3)
    expect(runs).toEqual(['First', 'Second', 'Third'])
    expect(others).toEqual([])
  })

  test('the signal of a step that runs is aborted by a cancellation, also by another process, within a second', async () => {
    const world = newWorld()
    let toldAt = 0
    const { line: slow } = line({
      second: {
        run: (_, { signal }) => {
          signal.addEventListener('abort', () => (toldAt = world.clock.now()))
          return door().promise
        },
      },
    })
    const docket = world.process({ graphs: [slow] })
    const handle = await docket.start(slow, Third, inputs, { id: 'a' })
    handle.result().catch(() => {})
    await world.clock.advance(1_000)
    const askedAt = world.clock.now()
    await world.process({ graphs: [line({ name: 'other' }).line] }).cancel('a')
    await world.clock.advance(5_000)
    expect(toldAt).toBeGreaterThan(0)
    expect(toldAt - askedAt).toBeLessThanOrEqual(1_000)
  })

  test('neither success nor failure is written by a process whose lease is over', async () => {
    for (const late of [7, boom]) {
      const world = newWorld()
      const clock = new PausedClock(world.clock)
      const gate = door()
      const { line: slow } = line({ second: { run: () => gate.promise } })
      const sleeper = world.process({ graphs: [slow], clock })
      const told = (await sleeper.start(slow, Third, inputs, { id: 'a' })).result()
      const { line: healthy } = line()
      const other = world.process({ graphs: [healthy] })
      await world.clock.advance(10)
      clock.pause()
      await world.clock.advance(7_000)
      const before = await (await other.get('a'))!.details()
      expect(before).toMatchObject({ status: 'completed', output: 4 })
      if (late === boom) gate.reject(boom)
      else gate.resolve(7)
      await clock.resume()
      await world.clock.advance(10_000)
      expect(await (await other.get('a'))!.details()).toEqual(before)
      expect(await world.clock.settle(told)).toBe(4)
    }
  })

  test('an outcome whose write fails is written as soon as it can be', async () => {
    const world = newWorld()
    const watched = new WatchedStore(world.store)
    const { line: failing } = line({ second: fails })
    const docket = world.process({ graphs: [failing], store: watched.store })
    const handle = await docket.start(failing, Third, inputs, { id: 'a' })
    const outcome = rejectionOf(handle.result())
    watched.cut()
    await world.clock.advance(3_000)
    watched.mend()
    await world.clock.settle(outcome)
    await world.clock.advance(5_000)
    expect((await handle.details()).status).toBe('failed')
  })
})

describe('the cost of looking for work does not grow', () => {
  test('with executions that have ended, or whose owner lives: neither in calls nor in what each call looks through', async () => {
    const world = new SqliteWorld()
    const { line: graph } = line({ second: { run: (value) => (value > 300 ? door().promise : value) } })
    const docket = world.process({ graphs: [graph], work: { default: 1_000 } })
    const watched = new WatchedStore(world.store)
    const looker = world.process({ graphs: [graph], store: watched.store })
    const measure = async (): Promise<readonly [calls: number, acquired: number]> => {
      watched.calls.length = 0
      await world.clock.advance(10_000)
      return [watched.calls.length, await looker.resume()]
    }
    await world.clock.advance(1_000)
    const before = await measure()
    await Promise.all(
      Array.from({ length: 300 }, (_, Seed) => docket.execute(graph, Third, { Seed: Seed - 10 }, { id: `${Seed}` })),
    )
    await Promise.all(
      Array.from({ length: 300 }, (_, Seed) => docket.start(graph, Third, { Seed: Seed + 1_000 }, { id: `o${Seed}` })),
    )
    expect(await measure()).toEqual(before)
    // In the database, each look goes to its place in the index of what is unfinished, or of what is due, and sorts nothing.
    for (const sql of acquireQueries) {
      const plan = world.database.prepare(`explain query plan ${sql}`).all()
      const lines = plan.map(({ detail }) => String(detail)).join()
      expect(lines).toMatch(
        /SEARCH e USING (COVERING )?INDEX docket_executions_(unfinished \(owner|(due|later|to_begin|to_go_on) \(queue=\? AND graph)/,
      )
      expect(lines).not.toMatch(/SCAN e|TEMP B-TREE/)
    }
  })
})

/** Whether a commit is to this execution. */
function isOf(call: { readonly given: readonly unknown[] }, id: string): boolean {
  return (call.given[0] as readonly { readonly id: string }[]).some((commit) => commit.id === id)
}

test('a step can’t swallow the loss of its lease: what it returns then is not written', async () => {
  const [, newWorld] = worlds[0]!
  const world = newWorld()
  const watched = new WatchedStore(world.store)
  let reason: unknown
  const { line: swallowing } = line({
    second: {
      run: (_, { signal }) =>
        world.clock.sleep(60_000, signal).then(
          () => 1,
          (error: unknown) => ((reason = error), 99),
        ),
    },
  })
  const first = world.process({ graphs: [swallowing], store: watched.store })
  const handle = await first.start(swallowing, Third, inputs, { id: 'a' })
  await world.clock.advance(10)
  const { line: healthy } = line()
  const second = world.process({ graphs: [healthy] })
  watched.cut()
  await world.clock.advance(7_000)
  watched.mend()
  expect(await world.clock.settle(handle.result())).toBe(4)
  expect(reason).toBeInstanceOf(LeaseLostError)
  expect((await (await second.get('a'))!.details()).steps).toContainEqual(
    expect.objectContaining({ step: Second.name, output: 3 }),
  )
})
