import { describe, expect, test } from 'vitest'
import { graph, optional, step, untypedGraph } from '../../src/index.ts'
import type { MigrateHook, StepContext } from '../../src/index.ts'
import { expectNoUnhandledErrors, number, rejectionOf } from '../loose-api.ts'
import { World } from './durable-time.ts'
import { refusal, WatchedStore, writes } from './watched-store.ts'

expectNoUnhandledErrors()

const Seed = number('Seed')
const Fact = number('Fact')
const Sum = number('Sum')
const inputs = { Seed: 1 }

interface Work {
  readonly run?: (context: StepContext) => number | Promise<number>
  readonly maxAttempts?: number
  readonly name?: string
  readonly isOptional?: boolean
  readonly backoff?: number
}

const never = (): Promise<number> => new Promise(() => {})

function broken(): number {
  throw new Error('broken')
}

function brokenForOne({ item }: StepContext): number {
  return item === 1 ? broken() : 1
}

/** Seed → Fact → Sum; the step that makes Fact counts its attempts, so that its record says that it runs. */
function sums({ run = never, maxAttempts = 3, name = 'Work', isOptional = false, backoff = 60_000 }: Work = {}) {
  const work = step({
    name,
    inputs: { seed: Seed },
    output: Fact,
    persist: 'execution',
    ...(maxAttempts > 1 && { retry: { maxAttempts, backoff } }),
    run: (_, context) => run(context),
  })
  const fact = (isOptional ? optional(Fact) : Fact) as typeof Fact
  const sum = step({
    name: 'Add',
    inputs: { fact },
    output: Sum,
    persist: 'execution',
    run: (given) => given.fact ?? -1,
  })
  return graph({ name: 'sums', steps: [work, sum] })
}

async function rows({ store }: Pick<World, 'store'>, id = 'a'): Promise<Record<string, string>> {
  const { steps } = await store.readSteps([id])
  return Object.fromEntries(steps.map(({ step, item, status }) => [`${step}${item && ` ${item}`}`, status]))
}

async function statusIn({ store }: World, id = 'a'): Promise<string> {
  return (await store.get([id]))[0]!.status
}

/** An execution whose process died while its first step ran. */
async function leftRunning(world: World, declared = sums()): Promise<void> {
  const { docket, die } = world.mortal({ graphs: [declared] })
  await docket.start(declared, Sum, inputs, { id: 'a' })
  await world.clock.advance(10)
  die()
  expect(await rows(world)).toEqual({ Work: 'running' })
}

/** After this, whoever looks takes over. */
const afterLease = 6_000

describe('no record says that a step runs, once its execution', () => {
  test('is cancelled by a process that does not run it, nor anybody else', async () => {
    const world = new World()
    await leftRunning(world)
    await world.clock.advance(afterLease)
    const onlooker = world.process({ graphs: [sums()], takeOver: false })
    await world.clock.settle(onlooker.cancel('a'))
    expect([await statusIn(world), await rows(world)]).toEqual(['cancelled', { Work: 'cancelled' }])
  })

  test('is given up, because it seems to kill its processes', async () => {
    const world = new World()
    await leftRunning(world, sums({ maxAttempts: 9 }))
    for (let life = 0; life < 2; life++) {
      await world.clock.advance(afterLease)
      const { docket, die } = world.mortal({ graphs: [sums({ maxAttempts: 9 })], maxRecoveries: 1 })
      await docket.list()
      await world.clock.advance(2_000)
      die()
    }
    expect([await statusIn(world), await rows(world)]).toEqual(['failed', { Work: 'cancelled' }])
  })

  test('is detached, by the process that runs it or by another one', async () => {
    const world = new World()
    const declared = sums()
    const handle = await world.process({ graphs: [declared] }).start(declared, Sum, inputs, { id: 'a' })
    await world.clock.advance(10)
    await world.clock.settle(handle.detach())
    expect([await statusIn(world), await rows(world)]).toEqual(['cancelled', { Work: 'cancelled' }])

    const other = new World()
    await leftRunning(other)
    await other.clock.advance(afterLease)
    const onlooker = other.process({ graphs: [sums()], takeOver: false })
    await other.clock.settle((await onlooker.get('a'))!.detach())
    expect([await statusIn(other), await rows(other)]).toEqual(['cancelled', { Work: 'cancelled' }])
  })

  test('fails because its last attempt died with its process: that one has failed', async () => {
    const world = new World()
    await leftRunning(world, sums({ maxAttempts: 2 }))
    for (let life = 0; life < 2; life++) {
      await world.clock.advance(afterLease)
      const { docket, die } = world.mortal({ graphs: [sums({ maxAttempts: 2 })] })
      await docket.list()
      await world.clock.advance(2_000)
      die()
    }
    expect([await statusIn(world), await rows(world)]).toEqual(['failed', { Work: 'failed' }])
    const { steps } = await (await world.process({ graphs: [sums()] }).get('a'))!.details()
    expect(steps).toMatchObject([
      { step: 'Work', attempt: 2, error: { code: 'LEASE_LOST' } },
      { step: 'Add', status: 'cancelled' },
    ])
  })

  test.each(['failed', 'completed'])(
    'is %s while the store does not take the note of how the step ended',
    async (end) => {
      const world = new World()
      const isOptional = end === 'completed'
      const declared = sums({ run: broken, isOptional, maxAttempts: 2, backoff: 0 })
      const watched = new WatchedStore(world.store)
      let refused = 0
      watched.before = (call) => {
        if (!writes(call, 'Work', ['failed']) || refused > 0) return
        refused++
        throw refusal()
      }
      const docket = world.process({ graphs: [declared], store: watched.store })
      const outcome = docket.execute(declared, Sum, inputs, { id: 'a' }).catch(() => 'no')
      expect(await world.clock.settle(outcome)).toBe(isOptional ? -1 : 'no')
      await world.clock.advance(10)
      expect(refused).toBe(1)
      expect(await statusIn(world)).toBe(end)
      expect(await rows(world)).toMatchObject({ Work: 'failed' })
    },
  )

  test('is cancelled after its retry policy was taken away', async () => {
    const world = new World()
    const old = sums()
    world.process({ graphs: [old], takeOver: false })
    const first = world.process({ graphs: [old] })
    await first.start(old, Sum, inputs, { id: 'a' })
    await world.clock.advance(10)
    await world.clock.settle(first.close({ deadline: 0 }))
    expect(await rows(world)).toEqual({ Work: 'running' })
    const docket = world.process({ graphs: [sums({ maxAttempts: 1 })] })
    await world.clock.advance(2_000)
    expect((await docket.list()).executions).toMatchObject([{ status: 'running', incompatible: [] }])
    await world.clock.settle(docket.cancel('a'))
    expect([await statusIn(world), await rows(world)]).toEqual(['cancelled', { Work: 'cancelled' }])
  })

  test('fails, although a function of it runs on; what that brings late is kept', async () => {
    const world = new World()
    const gate = Promise.withResolvers<number>()
    const declared = graph({
      name: 'straggler',
      timeout: '1s',
      steps: sums({ run: () => gate.promise }).steps,
    })
    const docket = world.process({ graphs: [declared] })
    const outcome = rejectionOf(docket.execute(declared, Sum, inputs, { id: 'a' }))
    await world.clock.settle(outcome)
    await world.clock.advance(10)
    expect([await statusIn(world), await rows(world)]).toEqual(['failed', { Work: 'cancelled' }])
    gate.resolve(7)
    await world.clock.advance(10)
    expect([await statusIn(world), await rows(world)]).toEqual(['failed', { Work: 'completed' }])
  })

  test('is completed by a migration that left the step out, and by one whose target changed', async () => {
    const Total = number('Total')
    const make = { inputs: { seed: Seed }, persist: 'execution', run: () => 5 } as const
    const other = {
      Sum: step({ ...make, name: 'Other', output: Sum }),
      Total: step({ ...make, name: 'Other', output: Total }),
    }
    for (const target of ['Sum', 'Total'] as const) {
      const world = new World()
      await leftRunning(world)
      await world.clock.advance(afterLease)
      const changed = untypedGraph({ name: 'sums', steps: [other[target]] })
      const seen: unknown[] = []
      const migrate: MigrateHook = (execution) => {
        seen.push(execution.steps['Work'])
        return { ...execution, target, steps: {} }
      }
      const docket = world.process({ graphs: [changed], migrate: { sums: migrate } })
      expect(await world.clock.settle((await docket.get('a'))!.result())).toBe(5)
      expect(seen).toMatchObject([{ status: 'running', attempt: 1, type: 'Fact', output: undefined }])
      expect(await rows(world)).toEqual({ Work: 'cancelled', Other: 'completed' })
    }
  })
})

describe('no record says that a step runs, once its batch', () => {
  const items = [{ Seed: 1 }, { Seed: 2 }, { Seed: 3 }]

  test('is cancelled, fails, or collects a failure', async () => {
    for (const onError of ['fail', 'collect'] as const) {
      const world = new World()
      const run = async ({ item, attempt }: StepContext): Promise<number> => {
        await world.clock.sleep(100)
        if (item === 1 && attempt === 2) throw new Error('broken')
        if (item === 1) throw new Error('try again')
        return item === 2 ? never() : 1
      }
      const declared = sums({ run, maxAttempts: 2, backoff: 100 })
      const docket = world.process({ graphs: [declared] })
      const batch = await docket.startBatch(declared, Sum, items, { id: 'a', onError })
      await world.clock.advance(1_000)
      if (onError === 'collect') await world.clock.settle(batch.cancel())
      expect(await statusIn(world)).toBe(onError === 'fail' ? 'failed' : 'cancelled')
      expect(await rows(world)).toMatchObject({ 'Work 0': 'completed', 'Work 1': 'failed', 'Work 2': 'cancelled' })
    }
  })

  test('is cancelled by a process that does not run it', async () => {
    const world = new World()
    const declared = sums()
    const { docket, die } = world.mortal({ graphs: [declared] })
    await docket.startBatch(declared, Sum, items, { id: 'a' })
    await world.clock.advance(10)
    die()
    expect(await rows(world)).toMatchObject({ 'Work 0': 'running', 'Work 2': 'running' })
    await world.clock.advance(afterLease)
    const onlooker = world.process({ graphs: [sums()], takeOver: false })
    await world.clock.settle(onlooker.cancel('a'))
    expect(await rows(world)).toMatchObject({ 'Work 0': 'cancelled', 'Work 1': 'cancelled', 'Work 2': 'cancelled' })
  })

  test('is completed, although the store took no note of a failure', async () => {
    const world = new World()
    const declared = sums({ run: brokenForOne, maxAttempts: 2, backoff: 0 })
    const watched = new WatchedStore(world.store)
    let refused = 0
    watched.before = (call) => {
      if (!writes(call, 'Work', ['failed']) || refused > 0) return
      refused++
      throw refusal()
    }
    const docket = world.process({ graphs: [declared], store: watched.store })
    const batch = await docket.startBatch(declared, Sum, items, { id: 'a', onError: 'collect' })
    await world.clock.settle(batch.result())
    expect([refused, await statusIn(world)]).toEqual([1, 'completed'])
    expect(await rows(world)).toMatchObject({ 'Work 1': 'failed' })
  })
})
