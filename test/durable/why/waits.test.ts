import { describe, expect, test } from 'vitest'
import {
  dataType,
  durableStep,
  event,
  eventType,
  graph,
  signal,
  step,
  timer,
  type,
  update,
} from '../../../src/index.ts'
import { expectNoUnhandledErrors, never, number, text } from '../../loose-api.ts'
import { World } from '../durable-time.ts'
import { line, Third } from '../line.ts'

expectNoUnhandledErrors()

const Goal = number('Goal')
const Answer = text('Answer')
const Later = dataType('Later', type<{ readonly dueAt: Date }>())
const Packed = eventType('Packed', type<string>())
const Talk = text('Talk')
const Call = number('Call')

describe('why a step waits', () => {
  test('for a signal, a time, an event or the verbs of its function: for what, and until when, in any process', async () => {
    const world = new World()
    const waiting = graph({
      name: 'waiting',
      steps: [
        signal(Answer, { timeout: '1h' }),
        timer({ name: 'Pause', output: Later, after: '2h' }),
        event(Packed, { key: () => 'o-1' }),
        durableStep({
          name: 'Talk',
          output: Talk,
          run: async (_, ctx) => {
            await ctx.sleep('3h')
            return 'done'
          },
        }),
        step({
          name: 'End',
          inputs: { answer: Answer, later: Later, packed: Packed, talk: Talk },
          output: Goal,
          run: () => 1,
        }),
      ],
    })
    const docket = world.process({ graphs: [waiting], park: 1_000 })
    await world.clock.settle(docket.start(waiting, Goal, {}, { id: 'x' }))
    await world.clock.advance(60_000)
    const elsewhere = world.process({ graphs: [waiting], work: false })
    for (const one of [docket, elsewhere]) {
      const why = (name: string) => world.clock.settle(one.why('x', name))
      expect(await why('Answer')).toMatchObject({
        code: 'step.waitsForSignal',
        status: 'waiting',
        until: new Date(4_600_000),
        waitsFor: { kind: 'signal', signal: 'Answer' },
      })
      expect(await why('Pause')).toMatchObject({ code: 'step.waitsForTime', until: new Date(8_200_000) })
      expect((await why('Pause')).text).toMatch(/^step "Pause" waits for 1970-01-01T02:16:40\.000Z \(in 1 h 59 min\)$/)
      expect(await why('Packed')).toMatchObject({
        code: 'step.waitsForEvent',
        waitsFor: { event: 'Packed', key: 'o-1' },
      })
      expect(await why('Talk')).toMatchObject({ code: 'step.waitsForVerbs' })
      const whole = await world.clock.settle(one.why('x'))
      expect(whole).toMatchObject({ code: 'execution.waits', since: expect.any(Date) as Date })
      expect(whole.because).toHaveLength(4)
      expect(whole.text).toContain('execution "x" has been parked for')
    }
    for (const one of [docket, elsewhere]) await world.clock.settle(one.close({ deadline: 0 }))
  })

  test('for a message: what its function takes, parked or not', async () => {
    const world = new World()
    const Move = update('Move', { input: type<string>(), output: type<string>() })
    const listening = graph({
      name: 'listening',
      steps: [
        durableStep({
          name: 'Listen',
          output: Talk,
          receives: [Move, Answer],
          run: async (_, ctx) => (await ctx.receive(Answer)).value,
        }),
      ],
    })
    const docket = world.process({ graphs: [listening], park: 1_000 })
    await world.clock.settle(docket.start(listening, Talk, {}, { id: 'x' }))
    for (const ms of [100, 60_000]) {
      await world.clock.advance(ms)
      const { code, text: said } = await world.clock.settle(docket.why('x', 'Listen'))
      expect(code).toBe('step.waitsForVerbs')
      expect(said).toMatch(/^step "Listen" waits for "receive".*; it takes "Move" and "Answer"$/)
    }
    await world.clock.settle(docket.close({ deadline: 0 }))
  })

  test('for a limit that processes share: which executions have its slots', async () => {
    const world = new World()
    const limited = graph({
      name: 'limited',
      steps: [
        step({
          name: 'Call',
          output: Call,
          persist: 'execution',
          concurrency: { limit: 1, scope: 'graph' },
          run: () => never<number>(),
        }),
      ],
    })
    const docket = world.process({ graphs: [limited] })
    await world.clock.settle(docket.start(limited, Call, {}, { id: 'a' }))
    await world.clock.advance(100)
    await world.clock.settle(docket.start(limited, Call, {}, { id: 'b' }))
    await world.clock.advance(100)
    const why = await world.clock.settle(docket.why('b', 'Call'))
    expect(why).toMatchObject({ code: 'step.waitsForLimit', status: 'queued', limit: 1, heldBy: ['a'] })
    expect(why.text).toMatch(/^step "Call" waits for a slot of 1, held by "a"/)
    await world.clock.settle(docket.close({ deadline: 0 }))
  })

  test('was run again after its process had died: which process that was', async () => {
    const world = new World()
    const { line: slow } = line({ second: { run: () => never<number>(), retry: { maxAttempts: 3 } } })
    const { docket, die } = world.mortal({ graphs: [slow] })
    await docket.start(slow, Third, { Seed: 1 }, { id: 'x' })
    await world.clock.advance(10)
    die()
    const second = world.mortal({ graphs: [slow] })
    await world.clock.advance(10_000)
    const { owner } = (await world.clock.settle((await second.docket.get('x'))!.details())).lease!
    second.die()
    const next = world.process({ graphs: [slow] })
    await world.clock.advance(10_000)
    const why = await world.clock.settle(next.why('x', 'Second'))
    expect(why).toMatchObject({ code: 'step.ranAgain', status: 'running', attempt: 3 })
    // Nothing is written of the owner of a first attempt.
    expect(why.deadOwners).toEqual([owner])
    expect(why.text).toContain(`it was run again, this is attempt 3: process "${owner}" died during an earlier one`)
    await world.clock.settle(next.close({ deadline: 0 }))
  })
})

describe('why a step of a batch', () => {
  test('runs, or failed, is said of each item, by its key, also of those that details do not show', async () => {
    const world = new World()
    const { line: graphOfItems } = line({
      second: { run: (value) => (value === 151 ? Promise.reject(new Error('odd one')) : value) },
      third: { run: () => never<number>() },
    })
    const docket = world.process({ graphs: [graphOfItems] })
    const items = Array.from({ length: 200 }, (_, Seed) => ({ Seed }))
    const options = {
      id: 'many',
      concurrency: 250,
      onError: 'collect',
      key: (item: { readonly Seed: number }) => `k${item.Seed}`,
    } as const
    await world.clock.settle(docket.startBatch(graphOfItems, Third, items, options as never))
    await world.clock.advance(100)
    const elsewhere = world.process({ graphs: [graphOfItems], work: false })
    const why = (name: string, item: string) => world.clock.settle(elsewhere.why('many', name, { item }))
    expect(await why('Second', 'k150')).toMatchObject({
      code: 'step.failed',
      item: 'k150',
      causes: [{ name: 'Error', message: 'odd one' }],
    })
    expect(await why('First', 'k3')).toMatchObject({ code: 'step.completed', item: 'k3' })
    await expect(why('First', 'k999')).rejects.toThrow('has no item "k999"; did you mean "k99"?')
    await expect(why('First', '5')).rejects.toThrow('has no item "5"; it has 200, from "k0" to "k199"')
    await expect(why('Frist', 'k3')).rejects.toThrow('did you mean "First"?')
    await expect(world.clock.settle(elsewhere.why('many', undefined, { item: 'k3' }))).rejects.toThrow('name that too')
    for (const one of [docket, elsewhere]) await world.clock.settle(one.close({ deadline: 0 }))
  })
})
