import { describe, expect, test } from 'vitest'
import {
  dataType,
  durableStep,
  event,
  eventType,
  graph,
  OptionError,
  signal,
  step,
  subgraph,
  timer,
  type,
  untypedGraph,
} from '../../src/index.ts'
import type { DocketOptions, StepDefaults } from '../../src/index.ts'
import { createTestDocket } from '../../src/testing/index.ts'

const Seed = dataType('Seed', type<number>())
const Target = dataType('Target', type<number>())
type Policy = Omit<Parameters<typeof step>[0], 'name' | 'inputs' | 'output' | 'run'>

/** How often a step that always fails is tried, and how far apart. */
async function triesOf(docketDefaults: StepDefaults | undefined, graphDefaults?: StepDefaults, policy: Policy = {}) {
  const times: number[] = []
  const failing = untypedGraph({
    name: 'failing',
    ...(graphDefaults && { defaults: graphDefaults }),
    steps: [
      step({
        name: 'Fail',
        output: Target,
        ...policy,
        run: () => {
          times.push(docket.now().getTime())
          return Promise.reject(new Error('no'))
        },
      } as Parameters<typeof step>[0]),
    ],
  })
  await using docket = createTestDocket({ graphs: [failing], ...(docketDefaults && { defaults: docketDefaults }) })
  await docket.execute(failing, Target, {} as never).catch(() => {})
  return times.map((time) => time - times[0]!)
}

describe('createDocket({ defaults })', () => {
  test('hold where neither the step nor its graph says anything: step before graph before docket', async () => {
    const docket = { retry: { maxAttempts: 3, backoff: '1s' } }
    expect(await triesOf(undefined)).toEqual([0])
    expect(await triesOf(docket)).toEqual([0, 1_000, 2_000])
    expect(await triesOf(docket, { retry: { maxAttempts: 2, backoff: 5 } })).toEqual([0, 5])
    expect(await triesOf(docket, { retry: { maxAttempts: 2 } }, { retry: { maxAttempts: 4 } })).toEqual([0, 0, 0, 0])
    expect(await triesOf(docket, { timeout: '5s' })).toEqual([0, 1_000, 2_000])
  })

  test('what is said is said, also where it is the least there is', async () => {
    const docket = { retry: { maxAttempts: 3, backoff: '1s' } }
    expect(await triesOf(docket, undefined, { retry: { maxAttempts: 1 } })).toEqual([0])
    expect(await triesOf(docket, undefined, { retry: {} })).toEqual([0])
    expect(await triesOf(docket, { retry: { maxAttempts: 1 } })).toEqual([0])
    expect(await triesOf(docket, undefined, { retry: { maxAttempts: 2, backoff: 0 } })).toEqual([0, 0])
    expect(await triesOf(docket, undefined, { retry: undefined } as never)).toEqual([0, 1_000, 2_000])
  })

  test('timeout and concurrency hold for each step; persist as the option of that name', async () => {
    let running = 0
    let most = 0
    const numbers = graph({
      name: 'numbers',
      steps: [
        step({
          name: 'Slow',
          inputs: { seed: Seed },
          output: Target,
          run: async ({ seed }) => {
            most = Math.max(most, ++running)
            await docket.sleep(seed)
            running--
            return seed
          },
        }),
      ],
    })
    await using docket = createTestDocket({
      graphs: [numbers],
      defaults: { timeout: '10s', concurrency: 2, persist: 'execution' },
    })
    const all = [1, 2, 3, 4, 5].map((seed) => docket.execute(numbers, Target, { Seed: seed }, { id: `n ${seed}` }))
    expect(await Promise.all(all)).toEqual([1, 2, 3, 4, 5])
    expect(most).toBe(2)
    const slow = docket.execute(numbers, Target, { Seed: 60_000 }, { id: 'slow' })
    await expect(slow).rejects.toMatchObject({ cause: { code: 'STEP_TIMEOUT', timeoutMs: 10_000 } })
    const { steps } = await (await docket.get('n 1'))!.details()
    expect(steps).toMatchObject([{ step: 'Slow', status: 'completed', output: 1 }])
  })

  test('are for functions: no wait is cut short', async () => {
    const Packed = eventType('packed', type<number>())
    const Approval = dataType('Approval', type<number>())
    const Late = dataType('Late', type<unknown>())
    const Long = dataType('Long', type<number>())
    const waits = graph({
      name: 'waits',
      steps: [
        signal(Approval),
        event(Packed, { key: () => 'k' }),
        timer({ name: 'Late', output: Late, after: '3d' }),
        durableStep({
          name: 'Long',
          inputs: {},
          output: Long,
          run: async (_, ctx) => {
            await ctx.sleep('2d')
            return 1
          },
        }),
        step({
          name: 'All',
          inputs: { approval: Approval, packed: Packed, late: Late, long: Long },
          output: Target,
          run: ({ approval, packed, long }) => approval + packed + long,
        }),
      ],
    })
    await using docket = createTestDocket({ graphs: [waits], defaults: { timeout: '1s', retry: { maxAttempts: 9 } } })
    const handle = await docket.start(waits, Target, {})
    await docket.advance('1d')
    await handle.signal(Approval, 10)
    await docket.emit(Packed, 'k', 20)
    expect(await handle.result()).toBe(31)
  })

  test('hold for children, batches, actors, what begins again after a crash, and graphs that come later', async () => {
    const attempts: string[] = []
    const flaky = (name: string) =>
      graph({
        name,
        steps: [
          step({
            name: 'Flaky',
            inputs: { seed: Seed },
            output: Target,
            run: ({ seed }, { attempt, executionId }) => {
              attempts.push(executionId)
              if (attempt < 3) throw new Error('not yet')
              return seed
            },
          }),
        ],
      })
    const child = flaky('child')
    const late = flaky('late')
    const Sum = dataType('Sum', type<number>())
    const parent = graph({
      name: 'parent',
      steps: [
        subgraph(child, Target),
        step({ name: 'Sum', inputs: { target: Target }, output: Sum, run: ({ target }) => target + 1 }),
      ],
    })
    await using docket = createTestDocket({
      graphs: [parent],
      unknownGraph: (name) => (name === 'late' ? late : undefined),
      defaults: { retry: { maxAttempts: 3, backoff: '1h' } },
    })
    const handle = await docket.start(parent, Sum, { Seed: 1 }, { id: 'parent' })
    await docket.advance('90m')
    await docket.restart()
    expect(await handle.result()).toBe(2)
    const batch = await docket.startBatch(child, Target, [{ Seed: 5 }, { Seed: 6 }])
    expect(await batch.result()).toEqual([5, 6])
    expect(await docket.execute(late, Target, { Seed: 7 })).toBe(7)
    const byName = await docket.startByName('late', 'Target', { Seed: 8 })
    expect(await byName.result()).toBe(8)
    expect(await docket.execute(child, Target, { Seed: 9 })).toBe(9)
  })

  test.each<[unknown, RegExp]>([
    ['1s', /defaults must be an object/],
    [{ timeout: 0, retry: { maxAttempts: 0 }, concurrency: 0 }, /timeout is 0[\s\S]+maxAttempts[\s\S]+concurrency/],
    [{ retries: 3 }, /retries/],
    [{ persist: 'global' }, /persist is given twice/],
  ])('refuses %j at once', (defaults, message) => {
    const graphs = [graph({ name: 'g', steps: [step({ name: 's', output: Target, run: () => 1 })] })]
    const make = () =>
      createTestDocket({ graphs, persist: 'execution', defaults: defaults as DocketOptions['defaults'] })
    expect(make).toThrow(OptionError)
    expect(make).toThrow(message)
  })
})
