import { describe, expect, test } from 'vitest'
import { createActor, toPromise } from 'xstate'
import { z } from 'zod'
import {
  dataType,
  execute,
  executeBatch,
  explain,
  fromGraph,
  graph,
  OptionError,
  race,
  signal,
  signalEvent,
  step,
  StepTimeoutError,
  subgraph,
  timer,
} from '../../../src/index.ts'
import { VirtualTime } from '../virtual-time.ts'

const Order = dataType('Order', z.string())
const Approval = dataType('Approval', z.object({ by: z.string() }))
const Shipped = dataType('Shipped', z.string())
const Noted = dataType('Noted', z.string())
const ship = step({
  name: 'Ship',
  inputs: { order: Order, approval: Approval },
  output: Shipped,
  run: ({ order, approval }) => `${order} by ${approval.by}`,
})
const approvals = graph({ name: 'approvals', steps: [signal(Approval), ship] })
const logic = fromGraph(approvals, Shipped)
const input = { Order: 'o' }

const waits = (more: object) =>
  fromGraph(graph({ name: 'w', steps: [signal(Approval, { timeout: '1h', ...more })] }), Approval)

describe('a signal', () => {
  test('is waited for until the actor gets its value; the first one counts', async () => {
    const clock = new VirtualTime()
    const actor = createActor(logic, { input, clock }).start()
    await clock.advance(3_600_000)
    expect(actor.getSnapshot().context.steps['Approval']).toMatchObject({ status: 'waiting', attempt: 1 })
    actor.send(signalEvent(Approval, { by: 'Ada' }))
    actor.send(signalEvent(Approval, { by: 'Bob' }))
    expect(await toPromise(actor)).toBe('o by Ada')
  })

  test('that comes before its step is launched is kept, in a persisted snapshot too', async () => {
    const clock = new VirtualTime()
    const Prepared = dataType('Prepared', z.string())
    const prepare = step({
      name: 'Prepare',
      inputs: { order: Order },
      output: Prepared,
      run: async () => (await clock.sleep(100), 'yes'),
    })
    const late = graph({ name: 'late', steps: [prepare, signal(Approval, { inputs: { prepared: Prepared } }), ship] })
    const lateLogic = fromGraph(late, Shipped)
    const actor = createActor(lateLogic, { input, clock }).start()
    actor.send(signalEvent(Approval, { by: 'Ada' }))
    await clock.advance(10)
    const snapshot = JSON.parse(JSON.stringify(actor.getPersistedSnapshot())) as never
    expect(await clock.settle(toPromise(actor))).toBe('o by Ada')
    const again = createActor(lateLogic, { snapshot, input, clock }).start()
    expect(await clock.settle(toPromise(again))).toBe('o by Ada')
  })

  test('is waited for again by a restored actor', async () => {
    const clock = new VirtualTime()
    const actor = createActor(logic, { input, clock }).start()
    await clock.advance(10)
    const snapshot = JSON.parse(JSON.stringify(actor.getPersistedSnapshot())) as never
    actor.stop()
    const again = createActor(logic, { snapshot, input, clock }).start()
    again.send(signalEvent(Approval, { by: 'Eve' }))
    expect(await clock.settle(toPromise(again))).toBe('o by Eve')
  })

  test('that does not fit is set aside, and the next one counts', async () => {
    const actor = createActor(logic, { input }).start()
    actor.send(signalEvent(Approval, { by: 7 } as never))
    await Promise.resolve()
    expect(actor.getSnapshot().status).toBe('active')
    actor.send(signalEvent(Approval, { by: 'Ada' }))
    expect(await toPromise(actor)).toBe('o by Ada')
  })

  test('is in a snapshot that is taken right after it was sent', async () => {
    const clock = new VirtualTime()
    const actor = createActor(logic, { input, clock }).start()
    await clock.advance(10)
    actor.send(signalEvent(Approval, { by: 'Ada' }))
    const snapshot = JSON.parse(JSON.stringify(actor.getPersistedSnapshot())) as never
    actor.stop()
    const again = createActor(logic, { snapshot, input, clock }).start()
    expect(await clock.settle(toPromise(again))).toBe('o by Ada')
  })

  test.each([false, true])(
    'that comes early and does not fit keeps no other one out (persisted: %s)',
    async (persists) => {
      const clock = new VirtualTime()
      const Prepared = dataType('Prepared', z.string())
      const prepare = step({
        name: 'Prepare',
        output: Prepared,
        run: async () => (await clock.sleep(100), 'yes'),
      })
      const early = fromGraph(
        graph({ name: 'early', steps: [prepare, signal(Approval, { inputs: { prepared: Prepared } })] }),
        Approval,
      )
      let actor = createActor(early, { input: {}, clock }).start()
      actor.send(signalEvent(Approval, { by: 7 } as never))
      actor.send(signalEvent(Approval, { by: 'Ada' }))
      actor.send(signalEvent(Approval, { by: 'Bob' }))
      if (persists) {
        const snapshot = JSON.parse(JSON.stringify(actor.getPersistedSnapshot())) as never
        actor.stop()
        actor = createActor(early, { snapshot, input: {}, clock }).start()
      }
      expect(await clock.settle(toPromise(actor))).toEqual({ by: 'Ada' })
    },
  )

  test('of a type that is checked asynchronously is set aside where it does not fit, and the first that fits counts', async () => {
    const clock = new VirtualTime()
    const checked = new Set<string>()
    const Slow = dataType(
      'Slow',
      z.string().refine(async (text) => {
        checked.add(text)
        await clock.sleep(100)
        return text !== 'bad'
      }),
    )
    const slow = fromGraph(graph({ name: 'slow', steps: [signal(Slow)] }), Slow)
    const actor = createActor(slow, { input: {}, clock }).start()
    for (const text of ['bad', 'good', 'better']) actor.send(signalEvent(Slow, text))
    await clock.advance(150)
    expect(actor.getSnapshot().context.steps['Slow']).toMatchObject({ status: 'waiting' })
    const snapshot = JSON.parse(JSON.stringify(actor.getPersistedSnapshot())) as never
    expect(await clock.settle(toPromise(actor))).toBe('good')
    expect([...checked]).toEqual(['bad', 'good'])
    const again = createActor(slow, { snapshot, input: {}, clock }).start()
    expect(await clock.settle(toPromise(again))).toBe('good')
  })

  test('wins a race against a timer, or loses it; what comes for nobody changes nothing', async () => {
    const clock = new VirtualTime()
    const Expiry = dataType('Expiry', z.string())
    const Decision = dataType('Decision', z.string())
    const expire = timer({ name: 'Expire', output: Expiry, after: '1d', value: () => 'expired' })
    const decide = race({
      name: 'Decide',
      inputs: { approval: Approval, expiry: Expiry },
      output: Decision,
      run: (first) => (first.port === 'approval' ? first.value.by : first.value),
    })
    const decisions = fromGraph(graph({ name: 'decisions', steps: [signal(Approval), expire, decide] }), Decision)
    const quick = createActor(decisions, { input: {}, clock }).start()
    quick.send(signalEvent(Order, 'nobody waits for it'))
    quick.send(signalEvent(Approval, { by: 'Ada' }))
    expect(await toPromise(quick)).toBe('Ada')
    expect(clock.pending).toBe(0)
    const slow = createActor(decisions, { input: {}, clock }).start()
    expect(await clock.settle(toPromise(slow))).toBe('expired')
    slow.send(signalEvent(Approval, { by: 'late' }))
    expect(slow.getSnapshot().output).toBe('expired')
  })

  test('times out with a StepTimeoutError, or falls back', async () => {
    const clock = new VirtualTime()
    const actor = createActor(waits({}), { input: {}, clock })
    actor.subscribe({ error: () => {} })
    actor.start()
    const error = await clock.settle(toPromise(actor).catch((thrown: unknown) => thrown))
    expect((error as Error).cause).toBeInstanceOf(StepTimeoutError)
    const safe = createActor(waits({ fallback: { by: 'nobody' } }), { input: {}, clock }).start()
    expect(await clock.settle(toPromise(safe))).toEqual({ by: 'nobody' })
  })

  test('is refused by execute before anything runs, unless its value is given in overrides', async () => {
    const refused = execute(approvals, Shipped, input)
    await expect(refused).rejects.toBeInstanceOf(OptionError)
    await expect(refused).rejects.toThrow(
      'step "Approval" waits for the signal "Approval", which nobody can send to this call: run the graph as an actor, createActor(fromGraph(…)), give the value with the call, { signals: { Approval: … } }, or in overrides, or start it in a docket and send it there',
    )
    expect(await execute(approvals, Shipped, input, { overrides: { Approval: { by: 'me' } } })).toBe('o by me')
    await expect(executeBatch(approvals, Shipped, [input])).rejects.toMatchObject({ cause: { code: 'OPTION_INVALID' } })
  })

  test('in a child, or an item of a batch, fails with what can be done there', async () => {
    const note = step({ name: 'Note', inputs: { shipped: Shipped }, output: Noted, run: ({ shipped }) => shipped })
    const parent = graph({ name: 'parent', steps: [subgraph(approvals, Shipped), note] })
    const refused = await execute(parent, Noted, input).catch((error: unknown) => error as Error)
    const innermost = (error: unknown): Error =>
      error instanceof Error && error.cause instanceof Error ? innermost(error.cause) : (error as Error)
    const { message } = innermost(refused)
    expect(message).toContain("start its parent in a docket, and send it to the child's id there")
    expect(message).not.toContain('{ signals:')
    expect(await execute(parent, Noted, {}, { overrides: { Shipped: 'given' } })).toBe('given')
    const ofItem = innermost(await executeBatch(approvals, Shipped, [input]).catch((error: unknown) => error))
    expect(ofItem.message).toContain('to this batch: give the value with the call, { signals: { Approval: … } }')
    const overrides = { Approval: { by: 'me' } }
    expect(await executeBatch(approvals, Shipped, [input], { overrides })).toEqual(['o by me'])
  })

  test('is shown by explain', () => {
    const plan = explain(approvals, Shipped, input)
    expect(plan.steps[0]).toMatchObject({ name: 'Approval', kind: 'signal' })
    expect(String(plan)).toContain('signal() → Approval')
  })
})
