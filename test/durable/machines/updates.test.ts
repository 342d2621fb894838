import { assign, setup } from 'xstate'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { dataType, durableStep, graph, machineStep, update } from '../../../src/index.ts'
import type { ExecutionCommit } from '../../../src/core/contracts/execution-record.ts'
import { cutProcess } from '../cut-process.ts'
import { World } from '../durable-time.ts'
import { Add, Balance, Close, Leave, Pay, tills } from './till.ts'
import type { Charge } from './till.ts'

const inputs = { Owner: 'Ada' }
const atOnce: Charge = (card, euros) => Promise.resolve(`${euros} euros by ${card}`)

async function opened(world: World, charge = atOnce) {
  const declared = tills(charge)
  const { docket, die } = world.mortal({ graphs: [declared], lease: '2s' })
  const handle = await world.clock.settle(docket.start(declared, Balance, inputs, { id: 'a' }))
  const add = (amount: number, id?: string) => world.clock.settle(handle.update(Add, { amount }, { id }))
  const pay = (card: string, id?: string) => handle.update(Pay, { card }, { id })
  return { declared, docket, die, handle, add, pay }
}

function commitsOf({ store }: World): ExecutionCommit[] {
  const commits: ExecutionCommit[] = []
  const { commit } = store
  store.commit = (all) => {
    commits.push(...all)
    return commit.call(store, all)
  }
  return commits
}

async function mailOf(world: World): Promise<number> {
  const [record] = await world.store.get(['a'])
  return (await world.store.readMail({ owner: record!.owner ?? '', executions: ['a'], limit: 99 })).length
}

describe('an update that a machine gets', () => {
  test('is answered by what the machine is at after it, in the commit that has that', async () => {
    const world = new World()
    const { handle, add } = await opened(world)
    await world.clock.advance(1_000)
    const commits = commitsOf(world)
    expect(await add(5)).toEqual({ balance: 5 })
    expect(commits).toMatchObject([{ steps: [{ step: 'Till' }], consumed: [1], checkpoints: [{ kind: 'answer' }] }])
    expect(await Promise.all([1, 2, 3].map((amount) => add(amount)))).toEqual([
      { balance: 6 },
      { balance: 8 },
      { balance: 11 },
    ])
    await world.clock.settle(handle.signal(Close, true))
    expect(await world.clock.settle(handle.result())).toBe(11)
    expect(await mailOf(world)).toBe(0)
  })

  test('has one effect and one answer for each id, also after the end', async () => {
    const world = new World()
    const { handle, add } = await opened(world)
    expect(await Promise.all([add(5, 'one'), add(5, 'one')])).toEqual([{ balance: 5 }, { balance: 5 }])
    await expect(add(6, 'one')).rejects.toMatchObject({ code: 'EXECUTION_CONFLICT' })
    await world.clock.settle(handle.signal(Close, true))
    expect(await world.clock.settle(handle.result())).toBe(5)
    expect(await add(5, 'one')).toEqual({ balance: 5 })
    await expect(add(5, 'two')).rejects.toMatchObject({ code: 'UPDATE_ENDED' })
  })

  test('is refused where the machine takes none in its state, or validate throws: nothing of it happens', async () => {
    const world = new World()
    const { add, pay } = await opened(world)
    await world.clock.advance(1_000)
    const commits = commitsOf(world)
    for (const _ of ['once', 'again'])
      await expect(world.clock.settle(pay('visa', 'p1'))).rejects.toMatchObject({
        code: 'UPDATE_REJECTED',
        message: 'update "Pay" was rejected: the machine of step "Till" takes no "PAY" in "open"',
      })
    await expect(add(-1)).rejects.toMatchObject({ code: 'UPDATE_REJECTED', cause: { message: 'Ada can’t add -1' } })
    expect(commits.flatMap(({ steps }) => steps)).toEqual([])
    expect(await add(1)).toEqual({ balance: 1 })
    expect(await mailOf(world)).toBe(0)
  })

  test('waits for the state in which it can be answered', async () => {
    const world = new World()
    const charged = Promise.withResolvers<string>()
    const { handle, add, pay } = await opened(world, () => charged.promise)
    await add(5)
    const paid = pay('visa')
    await world.clock.advance(60_000)
    // It takes none while it has a card charged.
    await expect(add(1)).rejects.toMatchObject({ code: 'UPDATE_REJECTED' })
    expect(await mailOf(world)).toBe(1)
    charged.resolve('5 euros by visa')
    expect(await world.clock.settle(paid)).toBe('5 euros by visa')
    expect(await add(2)).toEqual({ balance: 2 })
    await world.clock.settle(handle.signal(Close, true))
    expect(await world.clock.settle(handle.result())).toBe(2)
    expect(await mailOf(world)).toBe(0)
  })

  test('that leads to the end is answered in its commit, and so is one that was open until then', async () => {
    const world = new World()
    const { handle, add } = await opened(world)
    await add(5)
    const commits = commitsOf(world)
    expect(await world.clock.settle(handle.update(Leave, 'tired'))).toBe('done with 5: tired')
    const ends = commits.filter(({ head }) => head?.status === 'completed')
    expect(ends).toMatchObject([{ steps: [{ step: 'Till' }], checkpoints: [{ kind: 'answer' }] }])

    const other = new World()
    const open = await opened(other, () => new Promise(() => {}))
    await open.add(5)
    const paid = open.pay('visa')
    await other.clock.advance(1_000)
    await other.clock.settle(open.handle.signal(Close, true))
    await expect(other.clock.settle(paid)).resolves.toBe('none')
    expect(await mailOf(other)).toBe(0)
  })

  test('of an execution that is cancelled ends with it, and is not answered by a retry', async () => {
    const world = new World()
    const { docket, handle, add, pay } = await opened(world, () => new Promise(() => {}))
    await add(5)
    const paid = pay('visa', 'p1').catch((error: unknown) => error)
    await world.clock.advance(1_000)
    await world.clock.settle(handle.cancel())
    expect(await world.clock.settle(paid)).toMatchObject({ code: 'UPDATE_ENDED' })
    const again = await world.clock.settle(docket.retry('a'))
    await world.clock.advance(1_000)
    await world.clock.settle(again.signal(Close as never, true as never))
    expect(await world.clock.settle(again.result())).toBe(5)
    await expect(world.clock.settle(pay('visa', 'p1'))).rejects.toMatchObject({ code: 'UPDATE_ENDED' })
    expect(await mailOf(world)).toBe(0)
  })

  test('of which a guard throws fails its step, whether the machine was at rest or busy, and a retry gets the next one', async () => {
    const world = new World()
    const Ask = update('Ask', { input: z.string(), output: z.string() })
    const Told = dataType('Told', z.string())
    const Done = dataType('Done', z.unknown())
    let isMended = false
    const isSure = (): boolean => {
      if (!isMended) throw new Error('the guard is broken')
      return true
    }
    const machine = setup({
      types: {} as { context: { told: string }; events: { type: 'ASK' | 'TELL'; value: string } },
      guards: { isSure },
    }).createMachine({
      context: { told: 'nothing' },
      initial: 'on',
      on: { TELL: { actions: assign({ told: ({ event }) => event.value }) } },
      states: { on: { on: { ASK: { guard: 'isSure', target: 'off' } } }, off: { type: 'final' } },
    })
    const step = machineStep({
      name: 'Guarded',
      machine,
      output: Done,
      events: { ASK: Ask, TELL: Told },
      answers: { ASK: ({ context }) => context.told },
    })
    const declared = graph({ name: 'guarded', steps: [step] })
    const docket = world.process({ graphs: [declared] })
    for (const id of ['rests', 'works']) {
      const handle = await world.clock.settle(docket.start(declared, Done, {}, { id }))
      await world.clock.advance(1_000)
      const told = id === 'works' ? handle.signal(Told, 'much') : undefined
      const asked = handle.update(Ask, 'well?')
      await expect(world.clock.settle(asked), id).rejects.toMatchObject({ code: 'UPDATE_ENDED' })
      await expect(world.clock.settle(handle.result()), id).rejects.toThrow('the guard is broken')
      await told
    }
    isMended = true
    const again = await world.clock.settle(docket.retry('works'))
    expect(await world.clock.settle(again.update(Ask as never, 'well?' as never))).toBe('much')
  })

  test.each([undefined, 7])(
    'that leads to a state which can’t be kept has no answer (fallback: %s)',
    async (fallback) => {
      const world = new World()
      const Spoil = update('Spoil', { input: z.string(), output: z.string() })
      const Done = dataType('Done', z.number())
      const machine = setup({
        types: {} as { context: { act: unknown }; events: { type: 'SPOIL'; value: string }; output: number },
      }).createMachine({
        context: { act: undefined },
        initial: 'on',
        output: 1,
        on: { SPOIL: { actions: assign({ act: () => () => {} }) } },
        states: { on: {} },
      })
      const answers = { SPOIL: () => 'spoilt' }
      const step = machineStep({ name: 'Spoilt', machine, output: Done, events: { SPOIL: Spoil }, answers, fallback })
      const declared = graph({ name: 'spoilt', steps: [step] })
      const docket = world.process({ graphs: [declared] })
      const handle = await world.clock.settle(docket.start(declared, Done, {}, { id: 'a' }))
      await world.clock.advance(1_000)
      const spoilt = world.clock.settle(handle.update(Spoil, 'please'))
      await expect(spoilt).rejects.toMatchObject({ code: 'UPDATE_ENDED' })
      const result = world.clock.settle(handle.result())
      if (fallback !== undefined) expect(await result).toBe(fallback)
      else await expect(result).rejects.toThrow('it is a function')
      expect(await mailOf(world)).toBe(0)
    },
  )

  test('of which the answer throws, or does not fit, fails; what it led to stays', async () => {
    const world = new World()
    const { add } = await opened(world)
    await expect(add(13)).rejects.toMatchObject({ code: 'UPDATE_FAILED', cause: { message: /thirteen/ } })
    await expect(add(99)).rejects.toMatchObject({ code: 'UPDATE_FAILED', cause: { code: 'OUTPUT_INVALID' } })
    expect(await add(1)).toEqual({ balance: 113 })
  })

  test('is answered though its process dies, wherever it was, once', async () => {
    for (let cut = 0; cut < 8; cut++) {
      const world = new World()
      const declared = tills(atOnce)
      const { docket, arm } = cutProcess(world, declared, cut)
      await world.clock.settle(docket.start(declared, Balance, inputs, { id: 'a' }))
      const other = world.process({ graphs: [declared] })
      const found = (await world.clock.settle(other.get('a')))!
      arm()
      const answers = Promise.all([
        found.update(Add, { amount: 1 }, { id: 'one' }),
        found.update(Add, { amount: 2 }, { id: 'two' }),
        found.update(Pay, { card: 'visa' }, { id: 'pay' }),
      ])
      await world.clock.advance(20_000)
      expect(await world.clock.settle(answers), `cut ${cut}`).toEqual([
        { balance: 1 },
        { balance: 3 },
        '3 euros by visa',
      ])
      await world.clock.settle(found.signal(Close as never, true as never))
      expect(await world.clock.settle(found.result())).toBe(0)
      expect(await mailOf(world)).toBe(0)
    }
  })

  test('wakes an execution that is parked, and goes to one item of a batch', async () => {
    const world = new World()
    const { add } = await opened(world)
    await world.clock.advance(60_000)
    expect((await world.clock.settle(world.store.get(['a'])))[0]!.parkedAt).toBeDefined()
    expect(await add(3)).toEqual({ balance: 3 })

    const declared = tills(atOnce)
    const docket = world.process({ graphs: [declared] })
    const items = ['Ada', 'Bo'].map((name) => ({ Owner: name }))
    const batch = await world.clock.settle(docket.startBatch(declared, Balance, items, { id: 'b' }))
    for (const item of [1, 0, 1]) await world.clock.settle(batch.update(Add, { amount: item + 1 }, { item }))
    for (const item of [0, 1]) await world.clock.settle(batch.signal(Close, true, { item }))
    expect(await world.clock.settle(batch.result())).toEqual([1, 4])
  })

  test('that is open comes once, though a durable function beside its machine begins anew', async () => {
    const world = new World()
    const Tick = dataType('Tick', z.number())
    const Ticks = dataType('Ticks', z.number())
    const Both = dataType('Both', z.object({ balance: z.number(), ticks: z.number() }))
    const charged = Promise.withResolvers<string>()
    let charges = 0
    const [till] = tills(() => {
      charges++
      return charged.promise
    }).steps
    const ticker = durableStep({
      name: 'Ticker',
      inputs: { before: dataType('Before', z.number()) },
      output: Ticks,
      receives: [Tick],
      run: async ({ before }, ctx) => {
        const message = await ctx.receive(Tick)
        return message.value === 0 ? before : ctx.continueAsNew({ before: before + message.value })
      },
    })
    const sum = durableStep({
      name: 'Sum',
      inputs: { balance: Balance, ticks: Ticks },
      output: Both,
      run: (both) => both,
    })
    const both = graph({ name: 'both', steps: [till, ticker, sum] })
    const docket = world.process({ graphs: [both] })
    const started = docket.start(both, Both, { ...inputs, Before: 0 }, { id: 'a' })
    const handle = await world.clock.settle(started)
    await world.clock.settle(handle.update(Add, { amount: 5 }))
    const paid = handle.update(Pay, { card: 'visa' })
    await world.clock.advance(1_000)
    await world.clock.settle(handle.signal(Tick, 1))
    await world.clock.advance(1_000)
    charged.resolve('paid')
    expect(await world.clock.settle(paid)).toBe('paid')
    await world.clock.settle(handle.update(Add, { amount: 2 }))
    await world.clock.advance(1_000)
    expect(charges).toBe(1)
    await world.clock.settle(handle.signal(Tick, 0))
    await world.clock.settle(handle.signal(Close, true))
    expect(await world.clock.settle(handle.result())).toEqual({ balance: 2, ticks: 1 })
  })
})

test('a graph refuses updates that a machine does not answer, and answers to nothing', () => {
  const Ask = update('Ask', { input: z.string(), output: z.string() })
  const Say = dataType('Say', z.string())
  const Out = dataType('Out', z.unknown())
  const machine = setup({
    types: {} as { events: { type: 'ASK'; value: string } | { type: 'SAY'; value: string } },
  }).createMachine({ initial: 'on', states: { on: {} } })
  const declared = { name: 'M', machine, output: Out, events: { ASK: Ask, SAY: Say } } as const
  const problems = (answers: object | undefined) => () =>
    graph({ name: 'g', steps: [machineStep({ ...declared, answers } as never)] } as never)
  // @ts-expect-error nothing answers ASK
  const none = machineStep(declared)
  expect(() => graph({ name: 'g', steps: [none] })).toThrow(
    'its event "ASK" is the update "Ask", and nothing answers it',
  )
  expect(problems({ ASK: 'yes' })).toThrow('its answer for "ASK" must be a function')
  expect(problems({ ASK: () => 'yes', SAY: () => 'no' })).toThrow('it has an answer for "SAY", which is no update')
  expect(problems({ ASK: () => 'yes', TELL: () => 'no' })).toThrow(
    'it has an answer for "TELL", which is none of its events',
  )
  expect(problems([])).toThrow('answers must be an object')
  // @ts-expect-error a number is no answer to Ask
  void machineStep({ ...declared, answers: { ASK: () => 1 } })
  expect(
    graph({ name: 'g', steps: [machineStep({ ...declared, answers: { ASK: (_, value) => value } })] }).leaves(),
  ).toEqual([])
})
