import { DatabaseSync } from 'node:sqlite'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import {
  dataType,
  ExecutionConflictError,
  graph,
  InputError,
  OptionError,
  RefusedError,
  signal,
  step,
  type,
} from '../../src/index.ts'
import { createTestDocket } from '../../src/testing/index.ts'
import { createDocket } from '../../src/index.ts'
import { sqliteStore } from '../../stores/sqlite/index.ts'
import { World } from './durable-time.ts'
import { WatchedStore } from './watched-store.ts'

const Amount = dataType('Amount', z.number())
const Double = dataType('Double', type<number>())
const runs: number[] = []
const double = step({
  name: 'Double',
  inputs: { amount: Amount },
  output: Double,
  persist: 'execution',
  run: ({ amount }) => {
    runs.push(amount)
    return amount * 2
  },
})
const doubles = graph({ name: 'doubles', steps: [double] })

describe('docket.startMany', () => {
  test('gives a handle for each, in order, with few calls of the store', async () => {
    const world = new World()
    const watched = new WatchedStore(world.store)
    const docket = world.process({ graphs: [doubles], store: watched.store })
    await docket.list()
    watched.calls.length = 0
    const starts = Array.from({ length: 500 }, (_, n) => ({ inputs: { Amount: n }, id: `order ${n}` }))
    const outcomes = await docket.startMany(doubles, Double, starts)
    expect(outcomes.map(({ handle }) => handle?.id)).toEqual(starts.map(({ id }) => id))
    expect(watched.count('create')).toBeLessThanOrEqual(5)
    expect(watched.count('get')).toBe(0)
    expect(await world.clock.settle(outcomes[7]!.handle!.result())).toBe(14)
    expect(await world.clock.settle(outcomes[499]!.handle!.result())).toBe(998)
  })

  test('what is wrong with the call is refused with all problems, before anything is written', async () => {
    await using docket = createTestDocket({ graphs: [doubles] })
    const bad = [
      { inputs: { Amount: 1 } },
      { inputs: { Amount: 'x' } },
      { inputs: {} },
      { inputs: { Amount: 4, Other: 1 } },
    ]
    const error = await docket.startMany(doubles, Double, bad as never).catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(InputError)
    expect((error as InputError).message).toMatch(
      /^3 items don't fit:\n- start 1: [\s\S]+\n- start 2: [\s\S]+\n- start 3: /,
    )
    expect((error as InputError).issues.map(({ item }) => item)).toEqual([1, 2, 3])
    const options = [
      { inputs: { Amount: 1 }, id: '' },
      { inputs: { Amount: 1 }, ids: 'a' },
      7,
      { inputs: { Amount: 1 }, timeout: 'x' },
    ]
    const refused = await docket.startMany(doubles, Double, options as never).catch((thrown: unknown) => thrown)
    expect(refused).toBeInstanceOf(OptionError)
    for (const part of [/start 0: id must be/, /start 1: [^\n]*"?ids"?/, /start 2: is \{ inputs/, /start 3: timeout/])
      expect((refused as Error).message).toMatch(part)
    for (const wrong of [undefined, {}, 'abc'])
      await expect(docket.startMany(doubles, Double, wrong as never)).rejects.toThrow('starts must be an array')
    await expect(docket.startMany(doubles, Double, [], { tx: 1 } as never)).rejects.toThrow(OptionError)
    await expect(docket.startMany(doubles, Double, [], { transaction: 1 })).rejects.toThrow('has no transactions')
    expect((await docket.list()).executions).toEqual([])
    expect(await docket.startMany(doubles, Double, [])).toEqual([])
  })

  test('what becomes of each is its own: one whose id stands for something else keeps nobody from starting', async () => {
    await using docket = createTestDocket({ graphs: [doubles] })
    await docket.execute(doubles, Double, { Amount: 1 }, { id: 'taken' })
    const outcomes = await docket.startMany(doubles, Double, [
      { inputs: { Amount: 1 }, id: 'taken' },
      { inputs: { Amount: 2 }, id: 'taken' },
      { inputs: { Amount: 1003 }, id: 'twice' },
      { inputs: { Amount: 1003 }, id: 'twice' },
      { inputs: { Amount: 4 }, id: 'twice' },
      { inputs: { Amount: 5 } },
    ])
    expect(outcomes.map(({ error }) => error instanceof ExecutionConflictError)).toEqual([
      false,
      true,
      false,
      false,
      true,
      false,
    ])
    const values = await Promise.all(outcomes.map(({ handle }) => handle?.result()))
    expect(values).toEqual([2, undefined, 2006, 2006, undefined, 10])
    expect(runs.filter((amount) => amount === 1003)).toHaveLength(1)
  })

  test('interceptors see each start, may mend its inputs, and refuse it alone', async () => {
    await using docket = createTestDocket({
      graphs: [doubles],
      interceptors: [
        {
          start: async (call, next) => {
            const amount = (call.inputs as { Amount: unknown }).Amount
            if (amount === 2) throw new RefusedError('not two')
            await next({ ...call, inputs: { Amount: Number(amount) } })
          },
        },
      ],
    })
    const starts = ['1', 2, 'x', 4].map((amount) => ({ inputs: { Amount: amount } }))
    const outcomes = await docket.startMany(doubles, Double, starts as never)
    expect(await outcomes[0]!.handle!.result()).toBe(2)
    expect(await outcomes[3]!.handle!.result()).toBe(8)
    expect(outcomes[1]!.error).toBeInstanceOf(RefusedError)
    expect(outcomes[2]!.error).toBeInstanceOf(InputError)
  })

  test('no more begin at once than there are slots; the others wait in the store, in their queues', async () => {
    const Ms = dataType('Ms', type<number>())
    let running = 0
    let most = 0
    const slow = graph({
      name: 'slow',
      steps: [
        step({
          name: 'Slow',
          inputs: { ms: Ms },
          output: Double,
          run: async ({ ms }) => {
            most = Math.max(most, ++running)
            await docket.sleep(ms)
            running--
            return ms
          },
        }),
      ],
    })
    await using docket = createTestDocket({ graphs: [slow], work: { default: 3 } })
    const starts = Array.from({ length: 20 }, (_, n) => ({ inputs: { Ms: 1_000 + n }, id: `s ${n}` }))
    const outcomes = await docket.startMany(slow, Double, [...starts, { ...starts[0]!, id: 'else', queue: 'other' }])
    const { ready, running: held } = await docket.queue('default').backlog()
    expect([ready + held, held <= 3]).toEqual([20, true])
    expect((await docket.queue('other').backlog()).ready).toBe(1)
    expect(await outcomes[19]!.handle!.result()).toBe(1_019)
    expect(most).toBe(3)
  })

  test('signals and headers are those of each start', async () => {
    const Approval = dataType('Approval', type<string>())
    const Done = dataType('Done', type<string>())
    const ask = graph({
      name: 'ask',
      steps: [
        signal(Approval),
        step({
          name: 'Note',
          inputs: { approval: Approval },
          output: Done,
          run: ({ approval }, { headers }) => `${approval} ${headers['by']}`,
        }),
      ],
    })
    await using docket = createTestDocket({ graphs: [ask] })
    const outcomes = await docket.startMany(ask, Done, [
      { inputs: {}, headers: { by: 'a' }, signals: { Approval: 'yes' } },
      { inputs: {}, headers: { by: 'b' }, signals: { Approval: 'no' } },
    ])
    expect(await Promise.all(outcomes.map(({ handle }) => handle!.result()))).toEqual(['yes a', 'no b'])
  })

  test('within a transaction they exist if and only if it commits, and are written in one call', async () => {
    const database = new DatabaseSync(':memory:')
    const store = new WatchedStore(sqliteStore({ database }))
    await using docket = createDocket({ graphs: [doubles], store: store.store })
    await docket.execute(doubles, Double, { Amount: 1 }, { id: 'taken' })
    const starts = [
      { inputs: { Amount: 21 }, id: 'a' },
      { inputs: { Amount: 22 }, id: 'b' },
      { inputs: { Amount: 23 }, id: 'taken' },
    ]
    database.exec('begin')
    store.calls.length = 0
    const [a, b, taken] = await docket.startMany(doubles, Double, starts, { transaction: database })
    expect(store.count('create')).toBe(1)
    expect(taken!.error).toBeInstanceOf(ExecutionConflictError)
    database.exec('commit')
    expect([await a!.handle!.result(), await b!.handle!.result()]).toEqual([42, 44])
    database.exec('begin')
    await docket.startMany(doubles, Double, [{ inputs: { Amount: 5 }, id: 'never' }], { transaction: database })
    database.exec('rollback')
    expect(await docket.get('never')).toBeUndefined()
  })
})
