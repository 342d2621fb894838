import { describe, expect, test } from 'vitest'
import { dataType, fixed, graph, step, StepTimeoutError, type } from '../../src/index.ts'
import type { Codec } from '../../src/core/contracts/codec.ts'
import type { Docket, StepInfo } from '../../src/index.ts'
import { encryption } from '../../src/codecs/index.ts'
import { door, First, line, Second, Third } from './line.ts'
import { World } from './durable-time.ts'

const inputs = { Seed: 1 }
const second = 1_000

async function stepOf(docket: Docket, id: string, name: string): Promise<StepInfo> {
  const { steps } = await (await docket.get(id))!.details()
  return steps.find(({ step: of }) => of === name)!
}

/** What is shown of attempts, their times counted from the first one's beginning. */
function shown({ attempts }: StepInfo) {
  const since = attempts[0]?.startedAt.getTime() ?? 0
  return attempts.map(({ attempt, startedAt, endedAt, owner, error }) => [
    attempt,
    startedAt.getTime() - since,
    endedAt && endedAt.getTime() - since,
    owner?.replace(/@.*/, '').slice(0, 9),
    error instanceof Error ? error.message : error,
  ])
}

/** `First` fails in its first attempts. */
function failing(times: number, maxAttempts = times + 1) {
  let left = times
  return line({
    first: {
      retry: { maxAttempts, ...(maxAttempts > 1 && { backoff: fixed('2s') }) },
      run: (value) => {
        if (left-- > 0) throw new Error(`no ${left}`)
        return value
      },
    },
  })
}

describe('the attempts of a step', () => {
  test('are on record with times, owner and error, for whoever looks later', async () => {
    const world = new World()
    const { line: graph1 } = failing(2)
    const docket = world.process({ graphs: [graph1] })
    await world.clock.settle((await docket.start(graph1, Third, inputs, { id: 'a' })).result())
    const other = world.process({ graphs: [], takeOver: false })
    const expected = [
      [1, 0, 0, 'process-1', 'no 1'],
      [2, 2 * second, 2 * second, 'process-1', 'no 0'],
      [3, 4 * second, 4 * second, 'process-1', undefined],
    ]
    expect(shown(await stepOf(other, 'a', 'First'))).toEqual(expected)
    expect(shown(await stepOf(docket, 'a', 'First'))).toEqual(expected)
    // Of what was tried once, the record says all that there is.
    expect(shown(await stepOf(other, 'a', 'Second'))).toEqual([[1, 0, 0, undefined, undefined]])
  })

  test('are all there where they begin in the same millisecond', async () => {
    const world = new World()
    const { line: graph1 } = line({
      first: {
        retry: { maxAttempts: 5 },
        run: () => {
          throw new Error('no')
        },
      },
    })
    const docket = world.process({ graphs: [graph1] })
    const handle = await world.clock.settle(docket.start(graph1, Third, inputs, { id: 'a' }))
    await world.clock.settle(handle.result().catch(() => {}))
    const other = world.process({ graphs: [], takeOver: false })
    for (const one of [docket, other])
      expect((await stepOf(one, 'a', 'First')).attempts.map(({ attempt }) => attempt)).toEqual([1, 2, 3, 4, 5])
  })

  test('of before a retry stay on record, those of a step that was tried once too', async () => {
    for (const maxAttempts of [1, 2]) {
      const world = new World()
      const { line: graph1 } = failing(maxAttempts + 1, maxAttempts)
      const docket = world.process({ graphs: [graph1] })
      const handle = await world.clock.settle(docket.start(graph1, Third, inputs, { id: 'a' }))
      await world.clock.settle(handle.result().catch(() => {}))
      await world.clock.advance(10 * second)
      const again = await world.clock.settle(docket.retry('a'))
      await world.clock.settle(again.result().catch(() => {}))
      const other = world.process({ graphs: [], takeOver: false })
      const tried = (await stepOf(other, 'a', 'First')).attempts
      const counted = Array.from({ length: maxAttempts }, (_, index) => index + 1)
      const errors = tried.map(({ error }) => (error as Error | undefined)?.message)
      // The last one of the second life brings the value where there are two.
      const last = maxAttempts === 1 ? 'no 0' : undefined
      expect(tried.map(({ attempt }) => attempt)).toEqual([...counted, ...counted])
      expect(errors).toEqual(maxAttempts === 1 ? ['no 1', last] : ['no 2', 'no 1', 'no 0', last])
      expect(tried.every(({ endedAt }) => endedAt !== undefined)).toBe(true)
    }
  })

  test('of before a retry are none of a fork', async () => {
    const world = new World()
    const { line: graph1 } = failing(2, 1)
    const docket = world.process({ graphs: [graph1] })
    const handle = await world.clock.settle(docket.start(graph1, Third, inputs, { id: 'a' }))
    await world.clock.settle(handle.result().catch(() => {}))
    await world.clock.advance(10 * second)
    const fork = await world.clock.settle(docket.fork('a', { id: 'b', from: 'First' }))
    await world.clock.settle(fork.result().catch(() => {}))
    expect(shown(await stepOf(docket, 'b', 'First'))).toHaveLength(1)
  })

  test('are shown while it runs, and while it waits for the next one', async () => {
    const world = new World()
    const gate = door()
    let attempts = 0
    const { line: graph1 } = line({
      first: {
        retry: { maxAttempts: 3, backoff: fixed('2s') },
        run: (value) => {
          if (++attempts === 1) throw new Error('no')
          return gate.promise.then(() => value)
        },
      },
    })
    const docket = world.process({ graphs: [graph1] })
    const other = world.process({ graphs: [graph1], takeOver: false })
    await docket.start(graph1, Third, inputs, { id: 'a' })
    await world.clock.advance(second)
    const waiting = [[1, 0, 0, 'process-1', 'no']]
    expect(shown(await stepOf(docket, 'a', 'First'))).toEqual(waiting)
    expect(shown(await stepOf(other, 'a', 'First'))).toEqual(waiting)
    await world.clock.advance(2 * second)
    const running = [...waiting, [2, 2 * second, undefined, 'process-1', undefined]]
    expect(shown(await stepOf(docket, 'a', 'First'))).toEqual(running)
    expect(shown(await stepOf(other, 'a', 'First'))).toEqual(running)
    gate.resolve(1)
    await world.clock.settle((await docket.get('a'))!.result())
    expect(await stepOf(other, 'a', 'First')).toMatchObject({ status: 'completed', attempts: [{}, { attempt: 2 }] })
  })

  test('are the last 25, over deaths too, and each is its process’s', async () => {
    const world = new World()
    let isMortal = true
    let attempts = 0
    const { line: graph1 } = line({
      first: {
        retry: { maxAttempts: 100, backoff: fixed('1s') },
        run: (value) => {
          attempts++
          if (isMortal && attempts === 20) {
            first.die()
            return new Promise<number>(() => {})
          }
          if (attempts < 30) throw new Error(`no ${attempts}`)
          return value
        },
      },
    })
    const first = world.mortal({ graphs: [graph1] })
    void first.docket.start(graph1, Third, inputs, { id: 'a' })
    await world.clock.advance(40 * second)
    isMortal = false
    const survivor = world.process({ graphs: [graph1] })
    await world.clock.advance(60 * second)
    const info = await stepOf(survivor, 'a', 'First')
    expect(info).toMatchObject({ status: 'completed', attempt: 30 })
    expect(info.attempts.map(({ attempt }) => attempt)).toEqual(Array.from({ length: 25 }, (_, index) => index + 6))
    const dead = info.attempts.find(({ attempt }) => attempt === 20)!
    expect([dead.endedAt, dead.error]).toEqual([undefined, undefined])
    const owners = info.attempts.map(({ owner }) => owner)
    expect(new Set(owners.slice(0, 15)).size).toBe(1)
    expect(new Set(owners.slice(15)).size).toBe(1)
    expect(owners[0]).not.toBe(owners.at(-1))
  })

  test('of one that fails for good have its last error, and of one that never ran there are none', async () => {
    const world = new World()
    const { line: graph1 } = line({
      first: {
        timeout: '3s',
        retry: { maxAttempts: 2, backoff: fixed('1s') },
        run: () => new Promise<number>(() => {}),
      },
    })
    const docket = world.process({ graphs: [graph1] })
    await world.clock.settle((await docket.start(graph1, Third, inputs, { id: 'a' })).result().catch(() => {}))
    const other = world.process({ graphs: [graph1], takeOver: false })
    const { attempts } = await stepOf(other, 'a', 'First')
    expect(attempts.map(({ attempt }) => attempt)).toEqual([1, 2])
    for (const { error, endedAt, startedAt } of attempts) {
      expect(error).toBeInstanceOf(StepTimeoutError)
      expect(endedAt!.getTime() - startedAt.getTime()).toBe(3 * second)
    }
    expect(shown(await stepOf(other, 'a', 'Second'))).toEqual([])
  })

  test('have short errors, whatever these carry, and are encrypted where values are', async () => {
    const world = new World()
    let attempts = 0
    const { line: graph1 } = line({
      first: {
        retry: { maxAttempts: 30 },
        run: (value) => {
          if (++attempts === 30) return value
          throw Object.assign(new Error('secret '.repeat(20_000)), { socket: { on() {} }, body: 'x'.repeat(200_000) })
        },
      },
    })
    const codecs: readonly Codec[] = [encryption({ keys: { k: Buffer.alloc(32, 7) }, current: 'k' })]
    const docket = world.process({ graphs: [graph1], codecs })
    await world.clock.settle((await docket.start(graph1, Third, inputs, { id: 'a' })).result())
    const { steps } = await world.store.readSteps(['a'])
    const stored = steps.find((one) => one.step === 'First')!.attempts
    expect(stored).toBeInstanceOf(Uint8Array)
    expect((stored as Uint8Array).length).toBeLessThan(100_000)
    expect(Buffer.from(stored as Uint8Array).includes('secret')).toBe(false)
    const info = await stepOf(world.process({ graphs: [], codecs, takeOver: false }), 'a', 'First')
    expect(String(info.attempts[0]!.error)).toMatch(/secret secret/)
  })

  test('cost a step that is tried once nothing on record', async () => {
    const world = new World()
    const { line: graph1 } = line({ first: { retry: { maxAttempts: 3 } } })
    const docket = world.process({ graphs: [graph1] })
    await world.clock.settle((await docket.start(graph1, Third, inputs, { id: 'a' })).result())
    const { steps } = await world.store.readSteps(['a'])
    expect(steps.map(({ attempts, queuedAt }) => [attempts, queuedAt])).toEqual(steps.map(() => [undefined, undefined]))
  })

  test('what can’t be read of them keeps nothing from going on', async () => {
    const world = new World()
    const { line: graph1 } = failing(2)
    const store = new Proxy(world.store, {
      get: (target, key) => {
        const value: unknown = Reflect.get(target, key)
        if (key === 'readSteps')
          return async (...given: Parameters<typeof target.readSteps>) => {
            const page = await target.readSteps(...given)
            return { ...page, steps: page.steps.map((one) => ({ ...one, attempts: one.attempts && '{"odd":' })) }
          }
        return typeof value === 'function' ? (value.bind(target) as unknown) : value
      },
    })
    const first = world.mortal({ graphs: [graph1] })
    void first.docket.start(graph1, Third, inputs, { id: 'a' })
    await world.clock.advance(second)
    first.die()
    const survivor = world.process({ graphs: [graph1], store })
    await world.clock.advance(30 * second)
    expect(await stepOf(survivor, 'a', 'Third')).toMatchObject({ status: 'completed' })
    expect((await stepOf(survivor, 'a', 'First')).attempts).toEqual([])
  })

  test('are those of each item, in a batch', async () => {
    const world = new World()
    const failed = new Set<number>()
    const { line: graph1 } = line({
      first: {
        retry: { maxAttempts: 2, backoff: fixed('1s') },
        run: (value) => {
          if (value % 2 === 1 && !failed.has(value)) {
            failed.add(value)
            throw new Error(`no ${value}`)
          }
          return value
        },
      },
    })
    const docket = world.process({ graphs: [graph1] })
    const handle = await docket.startBatch(graph1, First, [{ Seed: 1 }, { Seed: 2 }], { id: 'a' })
    await world.clock.settle(handle.result())
    const { steps } = await world.store.readSteps(['a'])
    const kept = steps.filter((one) => one.step === 'First').map(({ item, attempts }) => [item, attempts !== undefined])
    expect(kept.toSorted()).toEqual([
      ['0', true],
      ['1', false],
    ])
  })
})

describe('when a step had its inputs', () => {
  test('is on record where it had to wait for a slot, and is its beginning elsewhere', async () => {
    const world = new World()
    const Job = dataType('Job', type<number>())
    const Done = dataType('Done', type<number>())
    const work = step({
      name: 'Work',
      inputs: { job: Job },
      output: Done,
      persist: 'execution',
      concurrency: 1,
      run: async ({ job }, { signal }) => {
        await new Promise((resolve) => world.clock.setTimeout(() => resolve(undefined), 5 * second))
        signal.throwIfAborted()
        return job
      },
    })
    const jobs = graph({ name: 'jobs', steps: [work] })
    const docket = world.process({ graphs: [jobs] })
    const start = world.clock.now()
    const [one, two] = [
      await docket.start(jobs, Done, { Job: 1 }, { id: 'one' }),
      await docket.start(jobs, Done, { Job: 2 }, { id: 'two' }),
    ]
    await world.clock.advance(second)
    const queued = await stepOf(docket, 'two', 'Work')
    expect([queued.status, queued.queuedAt, queued.startedAt]).toEqual(['queued', new Date(start), undefined])
    await world.clock.settle(Promise.all([one.result(), two.result()]))
    const other = world.process({ graphs: [], takeOver: false })
    const info = await stepOf(other, 'two', 'Work')
    expect([info.queuedAt, info.startedAt]).toEqual([new Date(start), new Date(start + 5 * second)])
    const first = await stepOf(other, 'one', 'Work')
    expect(first.queuedAt).toEqual(first.startedAt)
    const { steps } = await world.store.readSteps(['one'])
    expect(steps[0]!.queuedAt).toBeUndefined()
  })

  test('is not known of one that has none, or never ran', async () => {
    const world = new World()
    const { line: graph1 } = line({ first: { run: () => new Promise<number>(() => {}) } })
    const docket = world.process({ graphs: [graph1] })
    await docket.start(graph1, Second, inputs, { id: 'a' })
    await world.clock.advance(second)
    expect((await stepOf(docket, 'a', 'Second')).queuedAt).toBeUndefined()
    expect((await stepOf(docket, 'a', 'First')).queuedAt).toEqual((await stepOf(docket, 'a', 'First')).startedAt)
  })
})
