import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, expect, onTestFinished, test } from 'vitest'
import { createDocket, ExecutionConflictError, graph, step, StoreError } from '../../../src/index.ts'
import { sqliteStore } from '../../../stores/sqlite/index.ts'
import { number, rejectionOf, stepErrorOf } from '../../loose-api.ts'
import { World } from '../../durable/durable-time.ts'
import { WatchedStore } from '../../durable/watched-store.ts'
import { door, First, line, Third } from '../../durable/line.ts'
import { worlds } from '../embedded-worlds.ts'

// Continues retries-leases-and-ends.test.ts.

const inputs = { Seed: 1 }
const [A, B, Target] = [number('A'), number('B'), number('Target')]

function raise(): never {
  throw new Error('no')
}

function newFile(): string {
  const folder = mkdtempSync(join(tmpdir(), 'docket-weak-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  return join(folder, 'docket.db')
}

describe.each(worlds)('in %s', (_, newWorld) => {
  test('durations below a second, and fractions of one, are what they say', async () => {
    const world = newWorld()
    const took = async (run: () => Promise<unknown>): Promise<number> => {
      const begunAt = world.clock.now()
      await world.clock.settle(run().catch(() => {}))
      return world.clock.now() - begunAt
    }
    const { line: slow } = line({ first: { timeout: '500ms', run: () => door().promise } })
    const { line: retried } = line({
      name: 'retried',
      first: { retry: { maxAttempts: 2, backoff: '1.9s' }, run: raise },
    })
    const { line: limited } = line({ name: 'limited', first: { run: () => door().promise }, timeout: '700ms' })
    const { line: kept, runs } = line({ name: 'kept', first: { persist: { scope: 'global', ttl: '500ms' } } })
    const docket = world.process({ graphs: [slow, retried, limited, kept], lease: '1.9s' })
    expect(await took(() => docket.execute(slow, Third, inputs, { id: 'a' }))).toBe(500)
    expect(await took(() => docket.execute(retried, Third, inputs, { id: 'b' }))).toBe(1_900)
    expect(await took(() => docket.execute(limited, Third, inputs, { id: 'c' }))).toBe(700)
    for (const pauseMs of [0, 490, 20]) {
      await world.clock.advance(pauseMs)
      await world.clock.settle(docket.execute(kept, First, inputs))
    }
    expect(runs).toHaveLength(2)
  })

  test('a lease of 1.9 s is over after 1.9 s, not after one', async () => {
    const world = newWorld()
    const { line: doomed } = line({ second: { run: () => door().promise } })
    const { docket, die } = world.mortal({ graphs: [doomed], lease: '1.9s' })
    await docket.start(doomed, Third, inputs, { id: 'a' })
    // It was renewed a moment ago.
    await world.clock.advance(1_900 / 3 + 10)
    die()
    const { line: healthy, runs } = line()
    world.process({ graphs: [healthy] })
    await world.clock.advance(1_700)
    expect(runs).toEqual([])
    await world.clock.advance(1_200)
    expect(runs).toEqual(['Second', 'Third'])
  })

  test('changed code is noticed: what no longer fits is left alone, and is reported', async () => {
    const world = newWorld()
    const { line: doomed } = line({ second: { run: () => door().promise } })
    const { docket, die } = world.mortal({ graphs: [doomed] })
    await docket.start(doomed, Third, inputs, { id: 'a' })
    await world.clock.advance(10)
    die()
    let runs = 0
    const changed = graph({
      name: 'line',
      steps: [step({ name: 'Elsewhere', inputs: { a: A }, output: Third, persist: 'execution', run: () => ++runs })],
    })
    const other = world.process({ graphs: [changed] })
    await world.clock.advance(30_000)
    const [told] = (await other.list()).executions
    expect(told).toMatchObject({ id: 'a', status: 'running' })
    expect(told!.incompatible.join()).toContain('"First"')
    expect(world.events.filter(({ type }) => type === 'execution.incompatible')).toHaveLength(1)
    expect(runs).toBe(0)
    const { line: healthy } = line()
    expect(await world.clock.settle((await world.process({ graphs: [healthy] }).get('a'))!.result())).toBe(4)
  })

  test('a changed argument does no side effect again, and is reported', async () => {
    const world = newWorld()
    let [argument, effects] = [0, 0]
    const drifting = (hangs: boolean) =>
      graph({
        name: 'drifting',
        steps: [
          step({ name: 'argument', output: A, run: () => ++argument }),
          step({ name: 'effect', inputs: { a: A }, output: B, persist: 'execution', run: ({ a }) => (effects++, a) }),
          step({ name: 'end', inputs: { a: A, b: B }, output: Target, run: ({ b }) => (hangs ? door().promise : b) }),
        ],
      })
    const doomed = drifting(true)
    const { docket, die } = world.mortal({ graphs: [doomed] })
    await docket.start(doomed, Target, {}, { id: 'a' })
    await world.clock.advance(10)
    die()
    const survivor = world.process({ graphs: [drifting(false)] })
    expect(await world.clock.settle((await survivor.get('a'))!.result())).toBe(1)
    expect([argument, effects]).toEqual([2, 1])
    expect(world.events.filter(({ type }) => type === 'step.inputs-changed')).toMatchObject([{ step: 'effect' }])
  })

  test('a resume reads each record once, and nothing more however far the execution goes', async () => {
    const world = newWorld()
    const length = 60
    const types = Array.from({ length: length + 1 }, (_, i) => number(`T${i}`))
    const chainOf = (stopAt: number) => {
      const runs: number[] = []
      const link = (_: unknown, i: number) =>
        step({
          name: `s${i}`,
          inputs: { last: types[i]! },
          output: types[i + 1]!,
          persist: 'execution',
          run: ({ last }: { last: number }) => (i === stopAt ? door().promise : (runs.push(i), last + 1)),
        } as never)
      const steps = Array.from({ length }, link)
      return {
        runs,
        chain: graph({ name: 'chain', steps: steps as never }) as unknown as ReturnType<typeof line>['line'],
      }
    }
    const target = types[length] as never
    const first = chainOf(40)
    const { docket, die } = world.mortal({ graphs: [first.chain] })
    await docket.start(first.chain, target, { T0: 0 } as never, { id: 'a' })
    await world.clock.advance(1_000)
    die()
    const watched = new WatchedStore(world.store)
    const second = chainOf(Infinity)
    const survivor = world.process({ graphs: [second.chain], store: watched.store })
    expect(await world.clock.settle((await survivor.get('a'))!.result())).toBe(length)
    expect(second.runs).toEqual(Array.from({ length: 20 }, (_, i) => i + 40))
    expect(watched.count('readSteps')).toBe(1)
    // Each step is one commit, however many there were before.
    expect(watched.count('commit')).toBeLessThanOrEqual(22)
  })

  test('a shutdown has a deadline, and holds once work has begun', async () => {
    const world = newWorld()
    const { line: stuck } = line({ second: { run: () => door().promise } })
    const leaving = world.process({ graphs: [stuck], store: new WatchedStore(world.store).store })
    await leaving.start(stuck, Third, inputs, { id: 'a' })
    await world.clock.advance(10)
    const begunAt = world.clock.now()
    await world.clock.settle(leaving.close({ deadline: '2s' }))
    expect(world.clock.now() - begunAt).toBeLessThanOrEqual(2_100)
    expect((await world.store.get(['a']))[0]?.owner).toBeUndefined()
    expect(await rejectionOf(leaving.start(stuck, Third, inputs, { id: 'b' }))).toMatchObject({
      name: 'DocketClosedError',
    })
  })

  describe('an id is an idempotency key', () => {
    test('ten starts at once, in ten processes, are one execution', async () => {
      const world = newWorld()
      const { line: graph, runs } = line()
      const processes = Array.from({ length: 10 }, () => world.process({ graphs: [graph] }))
      const results = processes.map((docket) => docket.execute(graph, Third, inputs, { id: 'order-1' }))
      expect(await world.clock.settle(Promise.all(results))).toEqual(Array.from({ length: 10 }, () => 4))
      expect(runs).toEqual(['First', 'Second', 'Third'])
    })

    test('it outlives the end, holds for the same request only, and is free once the execution is deleted or purged', async () => {
      const world = newWorld()
      const { line: graph, runs } = line()
      const docket = world.process({ graphs: [graph] })
      const ask = (Seed: number, target: typeof Third | typeof First = Third) =>
        world.clock.settle(docket.execute(graph, target as typeof Third, { Seed }, { id: 'key' }))
      for (let call = 0; call < 3; call++) expect(await ask(1)).toBe(4)
      await world.clock.advance(3_600_000)
      expect(await ask(1)).toBe(4)
      expect(runs).toHaveLength(3)
      for (const other of [() => ask(2), () => ask(1, First)])
        expect(await rejectionOf(other())).toBeInstanceOf(ExecutionConflictError)
      expect(await docket.delete('key')).toBe(true)
      expect(await ask(2)).toBe(5)
      await world.clock.advance(10_000)
      expect(await docket.purge({ olderThan: '1s' })).toBe(1)
      expect(await ask(3)).toBe(6)
    })
  })

  describe('what absurd’s tests require', () => {
    test('a retry is for what failed or was cancelled; it keeps what was done, and its failure can be retried again', async () => {
      const world = newWorld()
      let failures = 2
      const { line: graph, runs } = line({ second: { run: (value) => (failures-- > 0 ? raise() : value) } })
      const docket = world.process({ graphs: [graph] })
      await world.clock.settle(stepErrorOf(docket.execute(graph, Third, inputs, { id: 'a' })))
      await world.clock.settle(rejectionOf((await docket.retry('a')).result()))
      expect(await world.clock.settle((await docket.retry('a')).result())).toBe(3)
      expect(runs).toEqual(['First', 'Second', 'Second', 'Second', 'Third'])
      for (const id of ['a', 'nobody’s'])
        expect(await rejectionOf(docket.retry(id))).toBeInstanceOf(ExecutionConflictError)
    })

    test('a cancellation reaches what waits for its next attempt and what no process has begun, and what is not there is reported', async () => {
      const world = newWorld()
      const { line: graph, runs } = line({ first: { retry: { maxAttempts: 9, backoff: '1h' }, run: raise } })
      const docket = world.process({ graphs: [graph] })
      const handle = await docket.start(graph, Third, inputs, { id: 'retrying' })
      handle.result().catch(() => {})
      const { line: waiting } = line({ name: 'other', first: { run: () => door().promise } })
      const gone = world.mortal({ graphs: [waiting] })
      await gone.docket.start(waiting, Third, inputs, { id: 'lost' })
      gone.die()
      await world.clock.advance(20_000)
      for (const id of ['retrying', 'lost']) {
        await docket.cancel(id)
        await docket.cancel(id)
        expect((await docket.get(id))!.id).toBe(id)
      }
      await world.clock.advance(7_200_000)
      expect((await docket.list({ status: 'cancelled' })).executions).toHaveLength(2)
      expect(runs).toEqual(['First'])
      expect(await rejectionOf(docket.cancel('nobody’s'))).toBeInstanceOf(ExecutionConflictError)
    })

    test.each([-3_600_000, 3_600_000])(
      'a process whose clock is wrong by %i ms takes nothing from who lives',
      async (wrongBy) => {
        const world = newWorld()
        const { line: slow, runs } = line({
          second: { run: async (value) => (await world.clock.sleep(60_000), value) },
        })
        const { line: rival, runs: others } = line()
        const { clock } = world
        const wrong = {
          now: () => clock.now() + wrongBy,
          setTimeout: (handler: () => void, ms: number) => clock.setTimeout(handler, ms),
          clearTimeout: (handle: number) => clock.clearTimeout(handle),
          setImmediate: (handler: () => void) => clock.setImmediate(handler),
        }
        const docket = world.process({ graphs: [slow] })
        world.process({ graphs: [rival], clock: wrong })
        const handle = await docket.start(slow, Third, inputs, { id: 'a' })
        expect(await world.clock.settle(handle.result())).toBe(3)
        expect([runs, others]).toEqual([['First', 'Second', 'Third'], []])
      },
    )

    test('a purge goes portion by portion, and takes nothing that has not ended or ended too late', async () => {
      const world = newWorld()
      const { line: graph } = line({ first: { run: (value) => (value > 2_000 ? door().promise : value) } })
      const watched = new WatchedStore(world.store)
      const docket = world.process({ graphs: [graph], store: watched.store })
      const all = Array.from({ length: 1_500 }, (_, Seed) => docket.execute(graph, First, { Seed }, { id: `${Seed}` }))
      await world.clock.settle(Promise.all(all))
      await docket.start(graph, First, { Seed: 3_000 }, { id: 'running' })
      await world.clock.advance(10_000)
      await docket.execute(graph, First, { Seed: 1 }, { id: 'late' })
      expect(await docket.purge({ olderThan: '5s' })).toBe(1_500)
      expect(watched.count('purge')).toBeGreaterThan(2)
      expect((await docket.list()).executions.map(({ id }) => id).toSorted()).toEqual(['late', 'running'])
    })
  })
})

test('missing tables are reported with what to do, not as the database says it', async () => {
  const path = newFile()
  const { line: graph } = line()
  const docket = createDocket({ graphs: [graph], store: sqliteStore({ path, migrate: false }), takeOver: false })
  const error = await rejectionOf(docket.start(graph, Third, inputs, { id: 'a' }))
  expect(error).toBeInstanceOf(StoreError)
  expect((error as Error).message).toMatch(/migrat/)
  await docket.close()
})

test('a process that is killed with SIGKILL in the middle of a step loses nothing it had finished', async () => {
  const path = newFile()
  const program = `
    import { createDocket, dataType, graph, step, type } from ${JSON.stringify(new URL('../../../src/index.ts', import.meta.url))}
    import { sqliteStore } from ${JSON.stringify(new URL('../../../stores/sqlite/index.ts', import.meta.url))}
    const [Seed, First, Second, Third] = ['Seed', 'First', 'Second', 'Third'].map((name) => dataType(name, type()))
    const persist = 'execution'
    const line = graph({ name: 'line', steps: [
      step({ name: 'First', inputs: { value: Seed }, output: First, persist, run: ({ value }) => value + 100 }),
      step({ name: 'Second', inputs: { value: First }, output: Second, persist, run: () => {
        console.log('running')
        return new Promise(() => setInterval(() => {}, 1_000))
      } }),
      step({ name: 'Third', inputs: { value: Second }, output: Third, persist, run: () => 0 }),
    ] })
    const docket = createDocket({ graphs: [line], store: sqliteStore(${JSON.stringify(path)}), lease: '500ms' })
    await docket.start(line, Third, { Seed: 1 }, { id: 'a' })`
  const child = spawn(process.execPath, ['--input-type=module', '--eval', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  await new Promise((resolve) => child.stdout.once('data', resolve))
  child.kill('SIGKILL')
  await new Promise((resolve) => child.once('exit', resolve))
  const database = new DatabaseSync(path)
  expect(database.prepare('select step, status from docket_steps').all()).toMatchObject([
    { step: 'First', status: 'completed' },
  ])
  database.close()
  const { line: healthy, runs } = line()
  await using docket = createDocket({ graphs: [healthy], store: sqliteStore(path), lease: '500ms' })
  expect(await (await docket.get('a'))!.result()).toBe(103)
  expect(runs).toEqual(['Second', 'Third'])
})

test('a thousand executions of a dead process are resumed in portions, not one by one', async () => {
  const world = new World()
  const { line: doomed } = line({ second: { run: () => door().promise } })
  const { docket, die } = world.mortal({ graphs: [doomed], work: { default: 1_000 } })
  await Promise.all(
    Array.from({ length: 1_000 }, (_, Seed) => docket.start(doomed, Third, { Seed }, { id: `${Seed}` })),
  )
  await world.clock.advance(10)
  die()
  const { line: healthy, runs } = line()
  const watched = new WatchedStore(world.store)
  const survivor = world.process({ graphs: [healthy], store: watched.store })
  await world.clock.advance(20_000)
  expect((await survivor.list({ status: 'completed', limit: 1_000 })).executions).toHaveLength(1_000)
  expect(runs).toHaveLength(2_000)
  expect(watched.count('readSteps')).toBeLessThanOrEqual(20)
})
