import { describe, expect, test } from 'vitest'
import { dataType, ExecutionConflictError, graph, optional, step, type } from '../../src/index.ts'
import type { MigrateHook } from '../../src/index.ts'
import { number, rejectionOf } from '../loose-api.ts'
import { World } from './durable-time.ts'
import { door, First, line, Second, Seed, Third } from './line.ts'

const inputs = { Seed: 1 }
const fault = new Error('no luck')

const firstStep = step({
  name: 'First',
  inputs: { value: Seed },
  output: First,
  persist: 'execution',
  run: ({ value }) => value + 1,
})

/** An execution of "line" whose First is done, and whose process died in Second. */
async function leftBehind() {
  const world = new World()
  const { line: old } = line({ second: { run: () => door().promise } })
  const { docket, die } = world.mortal({ graphs: [old] })
  await docket.start(old, Third, inputs, { id: 'a' })
  await world.clock.advance(10)
  die()
  await world.clock.advance(6_000)
  return world
}

function last(run: (value: number) => number = (value) => value + 1) {
  return step({ name: 'Last', inputs: { value: First }, output: Third, run: ({ value }) => run(value) })
}

function ends(more: object, run = (): number | Promise<number> => Promise.reject(fault)) {
  return step({ name: 'Last', inputs: { seed: Seed, ...more }, output: Third, persist: 'execution', run })
}

describe('an execution whose graph has changed', () => {
  test('goes on where its records still fit: other steps after what is done', async () => {
    const world = await leftBehind()
    const changed = graph({ name: 'line', steps: [firstStep, last((value) => value * 100)] })
    const docket = world.process({ graphs: [changed] })
    expect(await world.clock.settle((await docket.get('a'))!.result())).toBe(200)
    expect(world.events.filter(({ type: kind }) => kind === 'execution.incompatible')).toEqual([])
  })

  test('goes on with a new step before what is done: nobody needs it', async () => {
    const world = await leftBehind()
    const Zero = number('Zero')
    let isAsked = false
    const changed = graph({
      name: 'line',
      steps: [
        step({ name: 'Zeroth', inputs: { value: Seed }, output: Zero, run: ({ value }) => ((isAsked = true), value) }),
        step({
          name: 'First',
          inputs: { value: Zero },
          output: First,
          persist: 'execution',
          run: ({ value }) => value,
        }),
        last(),
      ],
    })
    const docket = world.process({ graphs: [changed] })
    expect(await world.clock.settle((await docket.get('a'))!.result())).toBe(3)
    expect(isAsked).toBe(false)
  })

  const Versioned = dataType('First', type<number>(), { version: '2' })
  const misfits = {
    'a step that has a result is gone': {
      changed: graph({
        name: 'line',
        steps: [step({ name: 'Other', inputs: { value: Seed }, output: Third, run: ({ value }) => value })],
      }),
      reason: 'step "First" has a result, but the graph has no such step any more',
    },
    'a step makes another type now': {
      changed: graph({
        name: 'line',
        steps: [
          step({
            name: 'First',
            inputs: { value: Seed },
            output: Second,
            persist: 'execution',
            run: ({ value }) => value,
          }),
          step({ name: 'Last', inputs: { value: Second }, output: Third, run: ({ value }) => value }),
        ],
      }),
      reason: 'step "First" made "First", and makes "Second" now',
    },
    'a type has another version now': {
      changed: graph({
        name: 'line',
        steps: [
          step({
            name: 'First',
            inputs: { value: Seed },
            output: Versioned,
            persist: 'execution',
            run: ({ value }) => value,
          }),
          step({ name: 'Last', inputs: { value: Versioned }, output: Third, run: ({ value }) => value }),
        ],
      }),
      reason: 'which is version 2 now',
    },
    'its target is gone': {
      changed: graph({
        name: 'line',
        steps: [firstStep, step({ name: 'Last', inputs: { value: First }, output: Second, run: ({ value }) => value })],
      }),
      reason: 'the graph has no type "Third" any more',
    },
    'it needs more inputs than were given': {
      changed: graph({
        name: 'line',
        steps: [
          firstStep,
          step({
            name: 'Last',
            inputs: { value: First, more: number('More') },
            output: Third,
            run: ({ value }) => value,
          }),
        ],
      }),
      reason: 'More',
    },
  }

  test.each(Object.keys(misfits) as (keyof typeof misfits)[])('is left alone where %s', async (title) => {
    const world = await leftBehind()
    const { changed, reason } = misfits[title]
    const docket = world.process({ graphs: [changed] })
    await world.clock.advance(5_000)
    const [info] = (await docket.list()).executions
    expect(info).toMatchObject({ id: 'a', status: 'running' })
    expect(info!.incompatible.join()).toContain(reason)
    expect(world.events.filter(({ type: kind }) => kind === 'execution.incompatible')).toMatchObject([
      { executionId: 'a', reasons: info!.incompatible },
    ])
    expect((await (await docket.get('a'))!.details()).incompatible).toEqual(info!.incompatible)
    // One that has not tried to go on with it looks.
    const onlooker = world.process({ graphs: [changed], takeOver: false, work: false })
    const seen = await world.clock.settle(onlooker.get('a').then((handle) => handle!.details()))
    expect(seen).toMatchObject({ incompatible: info!.incompatible, situation: expect.stringContaining(reason) })
    // A process of the older version finishes it.
    const { line: old, runs } = line()
    const older = world.process({ graphs: [old] })
    expect(await world.clock.settle((await older.get('a'))!.result())).toBe(4)
    expect(runs).toEqual(['Second', 'Third'])
  })

  test.each(['execution', 'batch'])(
    'is left alone where what has been done, and is to be undone, leads to nothing that is needed (%s)',
    async (kind) => {
      const undone: string[] = []
      const compensate = (): void => void undone.push('First')
      const books = step({
        name: 'First',
        inputs: { value: Seed },
        output: First,
        compensate,
        run: ({ value }) => value,
      })
      const taken = step({ name: 'Second', inputs: { value: First }, output: Second, run: () => Promise.reject(fault) })
      const gate = door()
      const old = graph({ name: 'line', steps: [books, taken, ends({ value: optional(Second) }, () => gate.promise)] })
      const world = new World()
      const first = world.mortal({ graphs: [old] })
      if (kind === 'batch') await first.docket.startBatch(old, Third, [inputs], { id: 'a' })
      else await first.docket.start(old, Third, inputs, { id: 'a' })
      await world.clock.advance(10)
      first.die()
      await world.clock.advance(6_000)
      world.process({ graphs: [graph({ name: 'line', steps: [books, ends({})] })] })
      await world.clock.advance(5_000)
      const [left] = world.events.filter((event) => event.type === 'execution.incompatible')
      expect(left?.reasons[0]).toContain(
        'step "First" has done what would have to be undone, but "Third" does not need it',
      )
      const third = world.process({
        graphs: [graph({ name: 'line', steps: [books, taken, ends({ value: optional(Second) })] })],
      })
      await world.clock.settle(rejectionOf((await world.clock.settle(third.get('a')))!.result()))
      expect(undone).toEqual(['First'])
    },
  )

  test('that failed is not retried where it does not fit, and stays as it was', async () => {
    const world = new World()
    const { line: old } = line({
      second: {
        run: () => {
          throw new Error('no')
        },
      },
    })
    await world
      .process({ graphs: [old] })
      .execute(old, Third, inputs, { id: 'a' })
      .catch(() => {})
    const docket = world.process({ graphs: [misfits['a type has another version now'].changed] })
    const error = await world.clock.settle(rejectionOf(docket.retry('a')))
    expect(error).toBeInstanceOf(ExecutionConflictError)
    expect(String(error)).toContain('version 2')
    expect((await docket.list()).executions).toMatchObject([{ id: 'a', status: 'failed' }])
  })

  test('goes on where only a policy has changed, or a step that never ended is gone', async () => {
    const world = await leftBehind()
    const changed = graph({
      name: 'line',
      steps: [{ ...firstStep, persist: undefined, timeout: '1s' }, last()],
    })
    const docket = world.process({ graphs: [changed] })
    expect(await world.clock.settle((await docket.get('a'))!.result())).toBe(3)
  })

  test('does without a new optional input', async () => {
    const world = await leftBehind()
    const changed = graph({
      name: 'line',
      steps: [
        firstStep,
        step({
          name: 'Last',
          inputs: { value: First, more: optional(number('More')) },
          output: Third,
          run: ({ value, more }) => value + (more ?? 0.5),
        }),
      ],
    })
    const docket = world.process({ graphs: [changed] })
    expect(await world.clock.settle((await docket.get('a'))!.result())).toBe(2.5)
  })
})

const toVersion2: MigrateHook = (execution) => ({
  ...execution,
  steps: { First: { type: 'First', typeVersion: '2', output: 70 } },
})

describe('a migration', () => {
  const Start = number('Start')
  const renamed = graph({
    name: 'line',
    steps: [
      step({ name: 'Begin', inputs: { value: Start }, output: First, persist: 'execution', run: () => -1 }),
      step({
        name: 'Last',
        inputs: { value: First, start: Start },
        output: Third,
        run: ({ value, start }) => value * 100 + start,
      }),
    ],
  })

  test('makes records fit: steps, values and inputs', async () => {
    const world = await leftBehind()
    let seen: unknown
    const migrate: MigrateHook = (execution) => {
      seen = execution
      const { First: done } = execution.steps
      return {
        ...execution,
        inputs: { Start: execution.inputs['Seed'] },
        steps: { Begin: { ...done!, output: (done!.output as number) + 5 } },
      }
    }
    const docket = world.process({ graphs: [renamed], migrate: { line: migrate } })
    expect(await world.clock.settle((await docket.get('a'))!.result())).toBe(701)
    expect(seen).toMatchObject({
      id: 'a',
      graph: 'line',
      target: 'Third',
      inputs,
      steps: { First: { type: 'First', output: 2 } },
    })
  })

  test('makes an output of another version fit', async () => {
    const world = await leftBehind()
    const Versioned = dataType('First', type<number>(), { version: '2' })
    const changed = graph({
      name: 'line',
      steps: [
        step({ name: 'First', inputs: { value: Seed }, output: Versioned, persist: 'execution', run: () => -1 }),
        step({ name: 'Last', inputs: { value: Versioned }, output: Third, run: ({ value }) => value }),
      ],
    })
    const docket = world.process({ graphs: [changed], migrate: { line: toVersion2 } })
    expect(await world.clock.settle((await docket.get('a'))!.result())).toBe(70)
  })

  test('is kept: what it made is not migrated again after the next death', async () => {
    const world = await leftBehind()
    let migrations = 0
    const migrate: MigrateHook = (execution) => {
      migrations++
      const { First: done } = execution.steps
      return done === undefined
        ? undefined
        : { ...execution, inputs: { Start: execution.inputs['Seed'] }, steps: { Begin: { ...done, output: 6 } } }
    }
    let isHealthy = false
    const hanging = graph({
      name: 'line',
      steps: [
        renamed.steps[0],
        step({
          name: 'Last',
          inputs: { value: First, start: Start },
          output: Third,
          run: ({ value, start }) => (isHealthy ? value * 100 + start : door().promise),
        }),
      ],
    })
    const second = world.mortal({ graphs: [hanging], migrate: { line: migrate } })
    await world.clock.advance(3_000)
    second.die()
    isHealthy = true
    await world.clock.advance(6_000)
    const third = world.process({ graphs: [hanging], migrate: { line: migrate } })
    expect(await world.clock.settle((await third.get('a'))!.result())).toBe(601)
    expect(migrations).toBe(1)
  })

  test('that declines, or throws, leaves the execution alone', async () => {
    for (const migrate of [
      () => undefined,
      () => {
        throw new Error('can’t do that')
      },
    ]) {
      const world = await leftBehind()
      const docket = world.process({ graphs: [renamed], migrate: { line: migrate } })
      await world.clock.advance(3_000)
      const [info] = (await docket.list()).executions
      expect(info).toMatchObject({ status: 'running' })
      expect(info!.incompatible.join()).toMatch(/no such step any more|can’t do that/)
    }
  })

  test('is not called where the graph is the same', async () => {
    const world = await leftBehind()
    let migrations = 0
    const { line: same } = line()
    const docket = world.process({ graphs: [same], migrate: { line: () => void migrations++ } })
    expect(await world.clock.settle((await docket.get('a'))!.result())).toBe(4)
    expect(migrations).toBe(0)
  })
})
