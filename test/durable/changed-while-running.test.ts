import { describe, expect, test } from 'vitest'
import type { Store } from '../../src/core/contracts/store.ts'
import { ExecutionConflictError, graph, step, untypedGraph } from '../../src/index.ts'
import type { MigratableStep, MigrateHook } from '../../src/index.ts'
import { expectNoUnhandledErrors, number, rejectionOf } from '../loose-api.ts'
import { alteredStore } from './altered-store.ts'
import { World } from './durable-time.ts'

expectNoUnhandledErrors()

const Seed = number('Seed')
const Payment = number('Payment')
const Receipt = number('Receipt')
const inputs = { Seed: 1 }

const never = (): Promise<number> => new Promise(() => {})

interface Call {
  readonly name: string
  readonly attempt: number
}

/** Seed → Payment → Receipt, of which the first step is tried three times. */
function shop(name: string, calls: Call[], run: (attempt: number) => number | Promise<number>) {
  const pay = step({
    name,
    inputs: { seed: Seed },
    output: Payment,
    persist: 'execution',
    retry: { maxAttempts: 3, backoff: '1h' },
    run: (_, { attempt }) => {
      calls.push({ name, attempt })
      return run(attempt)
    },
  })
  const print = step({ name: 'Print', inputs: { payment: Payment }, output: Receipt, run: ({ payment }) => payment })
  return graph({ name: 'shop', steps: [pay, print] })
}

const fails = (): number => {
  throw new Error('no luck')
}

/** A process died while `Pay` was running, or waited for its second attempt. */
async function leftBehind(state: string, world = new World()) {
  const calls: Call[] = []
  const declared = shop('Pay', calls, state === 'running' ? never : fails)
  const { docket, die } = world.mortal({ graphs: [declared] })
  await docket.start(declared, Receipt, inputs, { id: 'a' })
  await world.clock.advance(10)
  die()
  await world.clock.advance(6_000)
  expect((await world.store.readSteps(['a'])).steps).toMatchObject([{ step: 'Pay', status: state, attempt: 1 }])
  return { world, calls }
}

/** The store as it would be if the step's record had another status. */
function withStatus(store: Store, status: string): Store {
  return alteredStore(store, async (method, ask) => {
    const answer = await ask()
    if (method !== 'readSteps') return answer
    const page = answer as Awaited<ReturnType<Store['readSteps']>>
    return { ...page, steps: page.steps.map((one) => ({ ...one, status })) }
  })
}

const renamed = (calls: Call[]) => shop('Charge', calls, () => 7)

describe('a step that has begun, and that the graph no longer has,', () => {
  test.each(['running', 'retrying'])('is not begun again under another name while it is %s', async (state) => {
    const { world, calls } = await leftBehind(state)
    const docket = world.process({ graphs: [renamed(calls)] })
    await world.clock.advance(5_000)
    const [info] = (await docket.list()).executions
    expect(info).toMatchObject({ id: 'a', status: 'running' })
    expect(info!.incompatible).toEqual([
      `step "Pay" is ${state} (attempt 1), but the graph has no such step any more; if another step takes its place, give that one \`formerly\`, or handle it in \`migrate\``,
    ])
    expect(world.events.filter(({ type }) => type === 'execution.incompatible')).toMatchObject([
      { executionId: 'a', reasons: info!.incompatible },
    ])
    expect(calls).toEqual([{ name: 'Pay', attempt: 1 }])
    // A process of the older version goes on with it.
    const older = world.process({ graphs: [shop('Pay', calls, () => 5)] })
    await world.clock.advance(3_600_000)
    expect(await world.clock.settle((await older.get('a'))!.result())).toBe(5)
    expect(calls.map(({ name }) => name)).toEqual(['Pay', 'Pay'])
  })

  test('is said to be running where its process has taken the attempt back, which counts no more', async () => {
    const world = new World()
    const declared = shop('Pay', [], never)
    const first = world.process({ graphs: [declared] })
    await first.start(declared, Receipt, inputs, { id: 'a' })
    await world.clock.advance(10)
    await world.clock.settle(first.close({ deadline: 0 }))
    const docket = world.process({ graphs: [renamed([])] })
    await world.clock.advance(5_000)
    const [info] = (await docket.list()).executions
    expect(info!.incompatible.join()).toContain('step "Pay" is running, but the graph has no such step any more')
  })

  test('makes a call that asks for the execution fail, though the scan looked at it first', async () => {
    const { world, calls } = await leftBehind('running')
    const declared = renamed(calls)
    const docket = world.process({ graphs: [declared] })
    const outcome = rejectionOf(docket.execute(declared, Receipt, inputs, { id: 'a' }))
    const error = await world.clock.settle(outcome)
    expect(error).toBeInstanceOf(ExecutionConflictError)
    expect(String(error)).toContain('can\'t go on in this process: step "Pay" is running (attempt 1)')
    expect(calls).toHaveLength(1)
  })

  test.each(['claiming', 'queued', 'waiting'])('leaves its execution to others while it is %s', async (status) => {
    const { world, calls } = await leftBehind('running')
    const docket = world.process({ graphs: [renamed(calls)], store: withStatus(world.store, status) })
    await world.clock.advance(5_000)
    const [info] = (await docket.list()).executions
    expect(info!.incompatible.join()).toContain(`step "Pay" is ${status}`)
  })

  test('is reported where it is there, and the target needs it no more', async () => {
    const { world, calls } = await leftBehind('running')
    const print = step({ name: 'Print', inputs: { seed: Seed }, output: Receipt, run: ({ seed }) => seed })
    const rewired = untypedGraph({ name: 'shop', steps: [shop('Pay', calls, () => 7).steps[0], print] })
    const docket = world.process({ graphs: [rewired] })
    await world.clock.advance(5_000)
    const [info] = (await docket.list()).executions
    expect(info!.incompatible.join()).toContain(
      'step "Pay" is running (attempt 1), but "Receipt" does not need it any more',
    )
  })

  test('is no obstacle once it has failed for good: nothing of it is under way', async () => {
    const { world, calls } = await leftBehind('running')
    const docket = world.process({ graphs: [renamed(calls)], store: withStatus(world.store, 'failed') })
    expect(await world.clock.settle((await docket.get('a'))!.result())).toBe(7)
  })

  test('keeps its batch from going on', async () => {
    const world = new World()
    const calls: Call[] = []
    const declared = shop('Pay', calls, never)
    const { docket, die } = world.mortal({ graphs: [declared] })
    await docket.startBatch(declared, Receipt, [inputs, { Seed: 2 }], { id: 'b' })
    await world.clock.advance(10)
    die()
    await world.clock.advance(6_000)
    const survivor = world.process({ graphs: [renamed(calls)] })
    await world.clock.advance(5_000)
    const [info] = (await survivor.list()).executions
    expect(info).toMatchObject({ status: 'running', incompatible: [expect.stringContaining('step "Pay" is running')] })
    expect(calls).toHaveLength(2)
  })
})

describe('a migration', () => {
  test.each(['running', 'retrying'])('sees a step that is %s, and can give it another name', async (state) => {
    const { world, calls } = await leftBehind(state)
    const seen: MigratableStep[] = []
    const migrate: MigrateHook = (execution) => {
      const { Pay: pay, ...rest } = execution.steps
      seen.push(pay!)
      return { ...execution, steps: { ...rest, Charge: pay! } }
    }
    const docket = world.process({ graphs: [renamed(calls)], migrate: { shop: migrate } })
    await world.clock.advance(3_600_000)
    expect(await world.clock.settle((await docket.get('a'))!.result())).toBe(7)
    expect(seen).toMatchObject([{ status: state, attempt: 1, type: 'Payment', output: undefined }])
    expect(seen[0]!.startedAt).toBeInstanceOf(Date)
    if (state === 'retrying') expect(seen).toMatchObject([{ error: { message: 'no luck' }, dueAt: expect.any(Date) }])
    expect(calls.at(-1)).toEqual({ name: 'Charge', attempt: 2 })
    const { steps } = await (await docket.get('a'))!.details()
    expect(steps).toMatchObject([
      { step: 'Charge', status: 'completed', attempt: 2 },
      { step: 'Print', status: 'completed', attempt: undefined },
    ])
  })

  test('is reported of a status that is none', async () => {
    const { world, calls } = await leftBehind('running')
    const migrate = ((execution: { steps: Record<string, object> }) => ({
      ...execution,
      steps: { Charge: { ...execution.steps['Pay'], status: 'done' } },
    })) as unknown as MigrateHook
    const docket = world.process({ graphs: [renamed(calls)], migrate: { shop: migrate } })
    await world.clock.advance(5_000)
    const [info] = (await docket.list()).executions
    expect(info!.incompatible.join()).toContain('the migration of graph "shop" gave step "Charge" the status "done"')
  })
})
