import { describe, expect, test } from 'vitest'
import { fixed, graph, step } from '../../src/index.ts'
import type { Docket, DocketOptions } from '../../src/index.ts'
import { number, rejectionOf } from '../loose-api.ts'
import { World } from './durable-time.ts'

const Seed = number('Seed')
const Middle = number('Middle')
const End = number('End')

interface Deadly {
  readonly scope?: 'execution' | 'global'
  readonly backoff?: number
  readonly fallback?: () => number
  readonly concurrency?: number
  /** What the step does before it dies. */
  readonly before?: (attempt: number) => void
}

const nothing = (): void => {}

/** Middle → End, where the process dies at the very beginning of each attempt at End; `attempts` tells which were begun. */
function deadly(
  world: World,
  start: (docket: Docket, line: ReturnType<typeof lineOf>) => Promise<unknown>,
  options: Deadly = {},
) {
  const attempts: number[] = []
  let die = nothing
  const line = lineOf(options, (attempt) => {
    attempts.push(attempt)
    options.before?.(attempt)
    die()
    return new Promise<number>(() => {})
  })
  const next = (more: Partial<DocketOptions> = {}): Docket => {
    const mortal = world.mortal({ graphs: [line], ...more })
    die = mortal.die
    return mortal.docket
  }
  const untilNobodyDies = async (): Promise<void> => {
    void start(next(), line).catch(() => {})
    for (let life = 0; life < 6; life++) {
      await world.clock.advance(20_000)
      next()
    }
    await world.clock.advance(20_000)
  }
  return { attempts, line, untilNobodyDies }
}

function lineOf(
  { scope = 'execution', backoff = 0, fallback, concurrency }: Deadly,
  die: (attempt: number) => Promise<number>,
) {
  const middle = step({
    name: 'Middle',
    inputs: { value: Seed },
    output: Middle,
    persist: 'execution',
    run: ({ value }) => value + 1,
  })
  const end = step({
    name: 'End',
    inputs: { value: Middle },
    output: End,
    persist: scope,
    retry: { maxAttempts: 2, backoff: fixed(backoff) },
    ...(fallback !== undefined && { fallback }),
    ...(concurrency !== undefined && { concurrency }),
    run: (_, { attempt }) => die(attempt),
  })
  return graph({ name: 'deadly', steps: [middle, end] })
}

const execute = (docket: Docket, line: ReturnType<typeof lineOf>) => docket.start(line, End, { Seed: 1 }, { id: 'a' })

describe('a step that kills its process at once', () => {
  test.each<[what: string, options: Deadly]>([
    ['in an execution', {}],
    ['with a global result', { scope: 'global' }],
    ['with a concurrency limit', { concurrency: 1 }],
  ])('is tried as often as maxAttempts says: %s', async (_, options) => {
    const world = new World()
    const { attempts, untilNobodyDies } = deadly(world, execute, options)
    await untilNobodyDies()
    expect(attempts).toEqual([1, 2])
    const survivor = world.process({ graphs: [lineOf(options, () => Promise.resolve(0))] })
    const handle = (await world.clock.settle(survivor.get('a')))!
    const { status, steps } = await world.clock.settle(handle.details())
    expect(status).toBe('failed')
    expect(steps.find((one) => one.step === 'End')).toMatchObject({ attempt: 2 })
    expect(String(await world.clock.settle(rejectionOf(handle.result())))).toContain('attempt 2 of 2')
  })

  test('is tried as often as maxAttempts says: for each item of a batch', async () => {
    const world = new World()
    const { attempts, untilNobodyDies } = deadly(world, (docket, line) =>
      docket.startBatch(line, End, [{ Seed: 1 }], { id: 'a', onError: 'collect' }),
    )
    await untilNobodyDies()
    expect(attempts).toEqual([1, 2])
  })

  test('counts the attempts after a backoff as well', async () => {
    const world = new World()
    const { attempts, untilNobodyDies } = deadly(world, execute, {
      backoff: 1_000,
      before: (attempt) => {
        if (attempt === 1) throw new Error('busy')
      },
    })
    await untilNobodyDies()
    expect(attempts).toEqual([1, 2])
  })

  test('leaves the rest to its fallback', async () => {
    const world = new World()
    const { attempts, line, untilNobodyDies } = deadly(world, execute, { fallback: () => 7 })
    await untilNobodyDies()
    expect(attempts).toEqual([1, 2])
    const reader = world.process({ graphs: [line] })
    const handle = (await world.clock.settle(reader.get('a')))!
    expect(await world.clock.settle(handle.result())).toBe(7)
  })
})

test('an attempt is on record before the step is called', async () => {
  const world = new World()
  const seen: unknown[] = []
  const line = lineOf({}, async () => {
    const { steps } = await world.store.readSteps(['a'])
    seen.push(...steps.filter((one) => one.step === 'End').map(({ status, attempt }) => [status, attempt]))
    return 1
  })
  const docket = world.process({ graphs: [line] })
  expect(await world.clock.settle(docket.execute(line, End, { Seed: 1 }, { id: 'a' }))).toBe(1)
  expect(seen).toEqual([['running', 1]])
})
