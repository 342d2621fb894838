import { describe, expect, test } from 'vitest'
import { graph, optional, race, step } from '../../../src/index.ts'
import { expectNoUnhandledErrors, never, number, uniqueName } from '../../loose-api.ts'
import { World } from '../durable-time.ts'
import { line, Third } from '../line.ts'
import { End, stuckGraph } from '../stuck-graph.ts'

expectNoUnhandledErrors()

const Seed = number('Seed')
const A = number('A')
const B = number('B')
const C = number('C')
const Goal = number('Goal')

describe('why a step is where it is', () => {
  test('runs: since when, where, and how long it may take', async () => {
    const world = new World()
    const { line: slow } = line({ second: { run: () => never<number>(), timeout: '1h' } })
    const docket = world.process({ graphs: [slow] })
    const handle = await docket.start(slow, Third, { Seed: 1 }, { id: 'x' })
    await world.clock.advance(60_000)
    const why = await handle.why('Second')
    expect(why).toEqual({
      code: 'step.running',
      execution: 'x',
      step: 'Second',
      status: 'running',
      attempt: 1,
      maxAttempts: 1,
      owner: (await handle.details()).owner,
      timeoutMs: 3_600_000,
      since: new Date(world.clock.now() - 60_000),
      until: new Date(world.clock.now() + 3_540_000),
      text: 'step "Second" has been running for 1 min in this process; its timeout of 1 h is in 59 min',
    })
    expect(await handle.why('First')).toMatchObject({ code: 'step.completed', status: 'completed' })
    await docket.close({ deadline: 0 })
  })

  test('is pending: what it waits for, and where that chain ends, each end once with the way to it', async () => {
    const world = new World()
    const stuck = stuckGraph()
    const docket = world.process({ graphs: [stuck] })
    const handle = await docket.start(stuck, End, {}, { id: 'x' })
    await world.clock.advance(1_000)
    const why = await handle.why('End')
    expect(why).toMatchObject({
      code: 'step.waitsForInputs',
      status: 'pending',
      waitsFor: { kind: 'inputs', steps: ['Check', 'Retry', 'Later'] },
    })
    expect(why.because?.map(({ code, path }) => ({ code, path }))).toEqual([
      { code: 'step.running', path: ['End', 'Check'] },
      { code: 'step.retrying', path: ['End', 'Retry'] },
      { code: 'step.running', path: ['End', 'Later', 'Pay'] },
    ])
    expect(why.text).toBe(
      'step "End" waits for what "Check", "Retry" and "Later" make: step "Check" has been running for 1.0 s in this process; it has no timeout; and for "Retry" and "Pay"',
    )
    await docket.close({ deadline: 0 })
  })

  test('waits for its next attempt: when, which attempt, and what the last one failed with', async () => {
    const world = new World()
    const stuck = stuckGraph()
    const docket = world.process({ graphs: [stuck] })
    const handle = await docket.start(stuck, End, {}, { id: 'x' })
    await world.clock.advance(1_000)
    const until = new Date(world.clock.now() + 3_599_000)
    expect(await handle.why('Retry')).toMatchObject({
      code: 'step.retrying',
      attempt: 1,
      maxAttempts: 2,
      until,
      causes: [{ name: 'Error', message: 'later' }],
      text: `step "Retry" waits for its next attempt, in 59 min 59 s (${until.toISOString()}); attempt 1 of 2 failed: Error: later`,
    })
    await docket.close({ deadline: 0 })
  })

  test('has no record: its process alone knows, and says so with live: true', async () => {
    const world = new World()
    const stuck = stuckGraph()
    const docket = world.process({ graphs: [stuck] })
    await docket.start(stuck, End, {}, { id: 'x' })
    await world.clock.advance(1_000)
    const elsewhere = world.process({ graphs: [stuck], work: false })
    const unasked = await elsewhere.why('x', 'Check')
    expect(unasked).toMatchObject({ code: 'step.unknown', status: 'unknown' })
    const asked = await world.clock.settle(elsewhere.why('x', 'Check', { live: true }))
    expect(asked).toMatchObject({ code: 'step.running', owner: unasked.owner })
    for (const one of [docket, elsewhere]) await one.close({ deadline: 0 })
  })

  test('failed: with its causes to the first one, and what needed it was skipped for it', async () => {
    const world = new World()
    const broken = graph({
      name: uniqueName(),
      steps: [
        step({
          name: 'Pay',
          output: A,
          persist: 'execution',
          run: () => Promise.reject(new Error('card declined', { cause: new TypeError('no digits') })),
        }),
        step({ name: 'Invoice', inputs: { a: A }, output: B, persist: 'execution', run: ({ a }) => a }),
        step({ name: 'Mail', inputs: { b: B }, output: C, persist: 'execution', run: ({ b }) => b }),
        step({
          name: 'End',
          inputs: { c: optional(C) },
          output: Goal,
          persist: 'execution',
          run: () => never<number>(),
        }),
      ],
    })
    const docket = world.process({ graphs: [broken] })
    const handle = await docket.start(broken, Goal, {}, { id: 'x' })
    await world.clock.advance(10)
    const failed = await handle.why('Pay')
    expect(failed).toMatchObject({ code: 'step.failed', attempt: 1, maxAttempts: 1 })
    expect(failed.causes?.map(({ name, message }) => `${name}: ${message}`).slice(-2)).toEqual([
      'Error: card declined',
      'TypeError: no digits',
    ])
    const skipped = await handle.why('Mail')
    expect(skipped).toMatchObject({
      code: 'step.inputFailed',
      status: 'skipped',
      because: [{ code: 'step.failed', step: 'Pay', path: ['Mail', 'Invoice', 'Pay'] }],
    })
    expect(skipped.text).toMatch(
      /^step "Mail" was skipped: its input from "Invoice" never came: step "Pay" failed in attempt 1 of 1 at .*: TypeError: no digits \(by way of "Invoice"\)$/,
    )
    await docket.close({ deadline: 0 })
  })

  test('was skipped since its `when` said no', async () => {
    const world = new World()
    const picky = graph({
      name: uniqueName(),
      steps: [
        step({ name: 'Maybe', output: A, persist: 'execution', when: () => false, run: () => 1 }),
        step({ name: 'End', inputs: { a: optional(A) }, output: Goal, persist: 'execution', run: () => 2 }),
      ],
    })
    const docket = world.process({ graphs: [picky] })
    const handle = await docket.start(picky, Goal, {}, { id: 'x' })
    await handle.result()
    const elsewhere = world.process({ graphs: [picky], work: false })
    for (const one of [docket, elsewhere])
      expect(await one.why('x', 'Maybe')).toMatchObject({
        code: 'step.conditionFalse',
        text: 'step "Maybe" was skipped: its `when` said no',
      })
    for (const one of [docket, elsewhere]) await one.close({ deadline: 0 })
  })

  test('lost a race, is not in the plan, or was stopped with its execution', async () => {
    const world = new World()
    const racing = graph({
      name: uniqueName(),
      steps: [
        step({ name: 'Fast', output: A, persist: 'execution', run: () => 1 }),
        step({ name: 'Slow', output: B, persist: 'execution', run: () => never<number>() }),
        race({ name: 'First', inputs: { fast: A, slow: B }, output: C }),
        step({ name: 'End', inputs: { c: C }, output: Goal, persist: 'execution', run: () => never<number>() }),
        step({ name: 'Other', output: Seed, run: () => 1 }),
      ],
    })
    const docket = world.process({ graphs: [racing] })
    const handle = await docket.start(racing, Goal, {}, { id: 'x' })
    await world.clock.advance(10)
    expect(await handle.why('Slow')).toMatchObject({
      code: 'step.lostRace',
      text: 'step "Slow" was stopped: race "First" was decided by "fast", and nothing else needs what it makes',
    })
    expect(await handle.why('Other')).toMatchObject({
      code: 'step.notNeeded',
      text: 'step "Other" is not in the plan: "Goal" does not need it',
    })
    await handle.cancel('changed my mind')
    await world.clock.advance(10)
    const stopped = await handle.why('End')
    expect(stopped).toMatchObject({ code: 'step.cancelled', because: [{ code: 'execution.cancelled' }] })
    expect(stopped.text).toMatch(
      /^step "End" did not come to a value: execution "x" was cancelled at .*: changed my mind$/,
    )
    await docket.close({ deadline: 0 })
  })
})
