import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { dataType, durableStep, graph, step, update, UpdateError } from '../../src/index.ts'
import type { DocketOptions } from '../../src/index.ts'
import type { ExecutionCommit } from '../../src/core/contracts/execution-record.ts'
import { alteredStore } from './altered-store.ts'
import { accounts, Balance, Close, Deposit } from './accounts.ts'
import { cutProcess } from './cut-process.ts'
import { World } from './durable-time.ts'

const inputs = { Owner: 'Ada' }

async function opened(world: World, options: Partial<DocketOptions> = {}) {
  const { docket, die } = world.mortal({ graphs: [accounts], lease: '2s', ...options })
  const handle = await world.clock.settle(docket.start(accounts, Balance, inputs, { id: 'a' }))
  const deposit = (amount: number, id?: string) => world.clock.settle(handle.update(Deposit, { amount }, { id }))
  const close = () => world.clock.settle(handle.signal(Close, true))
  return { docket, die, handle, deposit, close }
}

async function mailOf(world: World): Promise<readonly string[]> {
  const [record] = await world.store.get(['a'])
  const mail = await world.store.readMail({ owner: record!.owner ?? '', executions: ['a'], limit: 99 })
  return mail.map(({ kind }) => kind)
}

describe('an update', () => {
  test('is answered by the step that receives it, one after the other', async () => {
    const world = new World()
    const { handle, deposit, close } = await opened(world)
    expect(await deposit(5)).toEqual({ balance: 5 })
    expect(await Promise.all([1, 2, 3].map((amount) => deposit(amount)))).toEqual([
      { balance: 6 },
      { balance: 8 },
      { balance: 11 },
    ])
    await close()
    expect(await world.clock.settle(handle.result())).toBe(11)
    expect(await mailOf(world)).toEqual([])
  })

  test('has one effect and one answer for each id, also after the end, and another value under it is a conflict', async () => {
    const world = new World()
    const { handle, deposit, close } = await opened(world)
    const same = [deposit(5, 'one'), deposit(5, 'one')]
    expect(await Promise.all(same)).toEqual([{ balance: 5 }, { balance: 5 }])
    await expect(deposit(6, 'one')).rejects.toMatchObject({ code: 'EXECUTION_CONFLICT' })
    await close()
    expect(await world.clock.settle(handle.result())).toBe(5)
    expect(await deposit(5, 'one')).toEqual({ balance: 5 })
    await expect(deposit(6, 'one')).rejects.toMatchObject({ code: 'EXECUTION_CONFLICT' })
    await expect(deposit(5, 'two')).rejects.toMatchObject({ code: 'UPDATE_ENDED', updateId: 'two' })
  })

  test('that its validate refuses, by what is on record, has no effect, and is refused again under its id', async () => {
    const world = new World()
    const { deposit, handle, close } = await opened(world)
    for (const _ of ['once', 'again'])
      await expect(deposit(-1, 'bad')).rejects.toMatchObject({
        code: 'UPDATE_REJECTED',
        message: 'update "Deposit" was rejected: Ada can’t deposit -1',
        cause: { name: 'RangeError' },
      })
    expect(await deposit(1)).toEqual({ balance: 1 })
    await close()
    expect(await world.clock.settle(handle.result())).toBe(1)
    await expect(deposit(-1, 'bad')).rejects.toMatchObject({ code: 'UPDATE_REJECTED' })
    await expect(deposit(2, 'bad')).rejects.toMatchObject({ code: 'EXECUTION_CONFLICT' })
  })

  test('that its handler fails rejects with the cause, and others go on', async () => {
    const world = new World()
    const { deposit } = await opened(world)
    const failed: unknown = await deposit(13, 'x').catch((error: unknown) => error)
    expect(failed).toBeInstanceOf(UpdateError)
    expect(failed).toMatchObject({ code: 'UPDATE_FAILED', updateId: 'x', cause: { message: 'not thirteen' } })
    expect(await deposit(1)).toEqual({ balance: 1 })
  })

  test('that does not fit is refused where it is sent, and one that nothing receives too', async () => {
    const world = new World()
    const { handle } = await opened(world)
    await expect(world.clock.settle(handle.update(Deposit, { amount: 'x' } as never))).rejects.toMatchObject({
      code: 'INPUT_INVALID',
    })
    const Other = update('Other', { input: z.string(), output: z.string() })
    await expect(world.clock.settle(handle.update(Other as never, 'x' as never))).rejects.toThrow('"Other"')
    await expect(world.clock.settle(handle.update(Close as never, true as never))).rejects.toThrow('handle.signal')
    await expect(world.clock.settle(handle.signal(Deposit, { amount: 1 }))).rejects.toThrow('handle.update')
    await expect(world.clock.settle(handle.update(Deposit, { amount: 1 }, { timeout: 'soon' }))).rejects.toThrow(
      'timeout',
    )
  })

  test('is answered though its process dies, wherever it was, once', async () => {
    for (let cut = 0; cut < 8; cut++) {
      const world = new World()
      const { docket, arm } = cutProcess(world, accounts, cut)
      await world.clock.settle(docket.start(accounts, Balance, inputs, { id: 'a' }))
      const other = world.process({ graphs: [accounts] })
      const found = (await world.clock.settle(other.get('a')))! as unknown as Awaited<
        ReturnType<typeof opened>
      >['handle']
      arm()
      const answers = Promise.all([1, 2].map((amount) => found.update(Deposit, { amount }, { id: `${amount}` })))
      await world.clock.advance(20_000)
      expect(await world.clock.settle(answers), `cut ${cut}`).toEqual([{ balance: 1 }, { balance: 3 }])
      await world.clock.settle(found.signal(Close, true))
      expect(await world.clock.settle(found.result())).toBe(3)
      expect(await mailOf(world)).toEqual([])
    }
  })

  test('is answered by another process, for a docket that does not know the graph', async () => {
    const world = new World()
    await opened(world)
    const other = world.process({ graphs: [], takeOver: false })
    const found = (await world.clock.settle(other.get('a')))!
    expect(await world.clock.settle(found.update(Deposit, { amount: 4 }))).toEqual({ balance: 4 })
  })

  test('wakes an execution that is parked', async () => {
    const world = new World()
    const { deposit } = await opened(world, { park: '1s' })
    await deposit(1)
    await world.clock.advance(60_000)
    expect((await world.store.get(['a']))[0]?.parkedAt).toBeDefined()
    expect(await deposit(2)).toEqual({ balance: 3 })
  })

  test('is answered where its execution was parked, in the process that goes on with it because of it', async () => {
    const world = new World()
    const { docket, deposit } = await opened(world, { park: '1s' })
    await world.clock.advance(60_000)
    expect((await world.store.get(['a']))[0]?.parkedAt).toBeDefined()
    const found = (await world.clock.settle(docket.get('a')))!
    const update = found.update(Deposit, { amount: 2 }, { id: 'first' })
    await world.clock.advance(5_000)
    expect(await update).toEqual({ balance: 2 })
    expect(await deposit(3)).toEqual({ balance: 5 })
    expect(await world.clock.settle(found.update(Deposit, { amount: 2 }, { id: 'first' }))).toEqual({ balance: 2 })
  })

  test('that is open when the execution ends is answered with that, in the commit of the end, and not handled by a retry', async () => {
    const world = new World()
    const commits: ExecutionCommit[] = []
    const store = alteredStore(world.store, (method, ask, given) => {
      if (method === 'commit') commits.push(...(given[0] as readonly ExecutionCommit[]))
      return ask()
    })
    const Answer = dataType('Answer', z.number())
    let isDone = false
    const Ask = update('Ask', { input: z.number(), output: z.number() })
    const deaf = graph({
      name: 'deaf',
      steps: [
        durableStep({
          name: 'Deaf',
          output: Answer,
          receives: [Ask, Close],
          run: async (_, ctx) => {
            await ctx.receive(Close)
            if (!isDone) throw new Error('no')
            const message = await ctx.receive(Ask)
            await message.reply(message.value * 2)
            return message.value
          },
        }),
      ],
    })
    const docket = world.process({ graphs: [deaf], store })
    const handle = await world.clock.settle(docket.start(deaf, Answer, {}, { id: 'a' }))
    const asked = world.clock.settle(handle.update(Ask, 7, { id: 'q' })).catch((error: unknown) => error)
    await world.clock.advance(1_000)
    await world.clock.settle(handle.signal(Close, true))
    await expect(world.clock.settle(handle.result())).rejects.toThrow()
    expect(await asked).toMatchObject({ code: 'UPDATE_ENDED', updateId: 'q' })
    const ending = commits.find(({ checkpoints = [] }) => checkpoints.some(({ kind }) => kind === 'ended'))
    expect(ending?.consumed).toHaveLength(1)
    isDone = true
    const retried = (await world.clock.settle(docket.retry('a'))) as unknown as typeof handle
    await expect(world.clock.settle(retried.update(Ask, 7, { id: 'q' }))).rejects.toMatchObject({
      code: 'UPDATE_ENDED',
    })
    await world.clock.advance(1_000)
    await world.clock.settle(retried.signal(Close, true))
    expect(await world.clock.settle(retried.update(Ask, 4))).toBe(8)
    expect(await world.clock.settle(retried.result())).toBe(4)
  })

  test('that is not answered when its function begins anew comes to the next generation', async () => {
    const world = new World()
    const Turns = dataType('Turns', z.number())
    const Ask = update('Ask', { input: z.string(), output: z.string() })
    const lazy = graph({
      name: 'lazy',
      steps: [
        durableStep({
          name: 'Lazy',
          inputs: { turns: Turns },
          output: Balance,
          receives: [Ask],
          run: async ({ turns }, ctx) => {
            const message = await ctx.receive(Ask)
            if (turns > 0) return ctx.continueAsNew({ turns: turns - 1 })
            await message.reply(`${message.value} in generation ${ctx.generation}`)
            return turns
          },
        }),
      ],
    })
    const docket = world.process({ graphs: [lazy] })
    const handle = await world.clock.settle(docket.start(lazy, Balance, { Turns: 2 }))
    const answers = Promise.allSettled([handle.update(Ask, 'one', { id: '1' }), handle.update(Ask, 'two', { id: '2' })])
    expect(await world.clock.settle(answers)).toMatchObject([
      { value: 'one in generation 2' },
      { reason: { code: 'UPDATE_ENDED' } },
    ])
  })

  test('that was taken in one life and answered in the next does not come again when the function begins anew', async () => {
    const world = new World()
    const Turns = dataType('Turns', z.number())
    const Ask = update('Ask', { input: z.string(), output: z.string() })
    let isStuck = true
    const twice = graph({
      name: 'twice',
      steps: [
        durableStep({
          name: 'Twice',
          inputs: { turns: Turns },
          output: Balance,
          receives: [Ask],
          run: async ({ turns }, ctx) => {
            const message = await ctx.receive(Ask)
            await ctx.step('work', () => (isStuck ? new Promise<void>(() => {}) : undefined))
            await message.reply(`${message.value}${turns}`)
            const next = await ctx.receive(Ask, { timeout: '1m' })
            if (turns > 0) return ctx.continueAsNew({ turns: turns - 1 })
            return next.timedOut === true ? 0 : 1
          },
        }),
      ],
    })
    const { docket, die } = world.mortal({ graphs: [twice], lease: '2s' })
    const handle = await world.clock.settle(docket.start(twice, Balance, { Turns: 1 }, { id: 'a' }))
    const answers = Promise.all(['one', 'two'].map((text) => handle.update(Ask, text)))
    answers.catch(() => {})
    await world.clock.advance(1_000)
    die()
    isStuck = false
    const other = world.process({ graphs: [twice] })
    await world.clock.advance(10_000)
    const found = (await world.clock.settle(other.get('a')))!
    await world.clock.advance(61_000)
    expect(await world.clock.settle(found.result())).toBe(0)
  })

  test('that is handled says of its execution that it goes on: the deaths of its processes before do not end it', async () => {
    const world = new World()
    const { docket, die } = await opened(world, { maxRecoveries: 2 })
    die()
    void docket
    for (let life = 1; life <= 5; life++) {
      const next = world.mortal({ graphs: [accounts], lease: '2s', maxRecoveries: 2 })
      await world.clock.advance(10_000)
      const found = (await world.clock.settle(next.docket.get('a')))!
      const answer = found.update(Deposit as never, { amount: 1 } as never)
      expect(await world.clock.settle(answer)).toEqual({ balance: life })
      next.die()
    }
  })

  test('is waited for no longer than its timeout, and found again under its id', async () => {
    const world = new World()
    const { docket, die, handle } = await opened(world)
    die()
    const other = world.process({ graphs: [], takeOver: false })
    const found = (await world.clock.settle(other.get('a')))! as unknown as typeof handle
    const late = found.update(Deposit, { amount: 3 }, { id: 'late', timeout: '5s' }).catch((error: unknown) => error)
    await world.clock.advance(6_000)
    expect(await world.clock.settle(late)).toMatchObject({ code: 'UPDATE_TIMEOUT', updateId: 'late' })
    world.process({ graphs: [accounts] })
    await world.clock.advance(10_000)
    expect(await world.clock.settle(found.update(Deposit, { amount: 3 }, { id: 'late' }))).toEqual({ balance: 3 })
    void docket
  })

  test('that a step sends to what waits for that step is an error, and no deadlock', async () => {
    const world = new World()
    const errors: unknown[] = []
    const selfish = graph({
      name: 'selfish',
      steps: [
        durableStep({
          name: 'Self',
          output: Balance,
          receives: [Deposit],
          run: async (_, ctx) => {
            const message = await ctx.receive(Deposit)
            await ctx
              .step('ask', async () => {
                const own = (await docket.get(ctx.executionId))!
                await own.update(Deposit, { amount: 1 })
              })
              .catch((error: unknown) => void errors.push(error))
            await message.reply({ balance: 0 })
            return 0
          },
        }),
      ],
    })
    const docket = world.process({ graphs: [selfish] })
    const handle = await world.clock.settle(docket.start(selfish, Balance, {}, { id: 'a' }))
    expect(await world.clock.settle(handle.update(Deposit, { amount: 2 }))).toEqual({ balance: 0 })
    expect(errors).toMatchObject([{ code: 'DEADLOCK' }])
  })

  test('passes the interceptors of its sender, which may change or refuse it', async () => {
    const world = new World()
    const { docket, deposit } = await opened(world, {
      interceptors: [
        {
          update: async ({ update: name, value }, next) => {
            const { amount } = value as { amount: number }
            if (amount > 100) throw new Error(`${name} of ${amount} needs a second pair of eyes`)
            return next({ value: { amount: amount * 2 } })
          },
        },
      ],
    })
    expect(await deposit(5)).toEqual({ balance: 10 })
    await expect(deposit(500)).rejects.toThrow('a second pair of eyes')
    expect(await mailOf(world)).toEqual([])
    void docket
  })

  test('may be sent to one item of a batch', async () => {
    const world = new World()
    const docket = world.process({ graphs: [accounts] })
    const items = ['Ada', 'Bo'].map((name) => ({ Owner: name }))
    const handle = await world.clock.settle(docket.startBatch(accounts, Balance, items, { id: 'b' }))
    const deposit = (amount: number, item: number) =>
      world.clock.settle(handle.update(Deposit, { amount }, { item, id: 'same' }))
    expect(await deposit(1, 0)).toEqual({ balance: 1 })
    expect(await deposit(5, 1)).toEqual({ balance: 5 })
    await expect(deposit(-5, 1)).rejects.toMatchObject({ code: 'EXECUTION_CONFLICT' })
    await world.clock.settle(handle.signal(Close, true, { item: 0 }))
    await world.clock.advance(1_000)
    await expect(
      world.clock.settle(handle.update(Deposit, { amount: 1 }, { item: 0, id: 'late' })),
    ).rejects.toMatchObject({ code: 'UPDATE_ENDED' })
    await world.clock.settle(handle.signal(Close, true, { item: 1 }))
    expect(await world.clock.settle(handle.result())).toEqual([1, 5])
  })
})

test('a graph refuses updates that nothing can answer', () => {
  const Out = dataType('Out', z.number())
  const takes = () =>
    graph({ name: 'g', steps: [step({ name: 'S', inputs: { deposit: Deposit }, output: Out, run: () => 1 })] })
  expect(takes).toThrow('"Deposit" is an update: list it in the receives of a durable step')
  const wrong = () =>
    graph({
      name: 'g',
      steps: [
        durableStep({ name: 'S', output: Out, receives: [update('U', { input: z.string() } as never)], run: () => 1 }),
      ],
    })
  expect(wrong).toThrow('"U" is an update whose output')
})
