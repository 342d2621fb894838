import { expect, test } from 'vitest'
import { dataType, durableStep, eventType, graph, RefusedError, type } from '../../src/index.ts'
import { createTestDocket } from '../../src/testing/index.ts'
import { accounts, Balance, Close, Deposit } from './accounts.ts'

test('updates pass the interceptors: they change the value, which is checked, and a refused one has no effect', async () => {
  const seen: unknown[] = []
  await using docket = createTestDocket({
    graphs: [accounts],
    interceptors: [
      {
        update: async (call, next) => {
          const { amount } = call.value as { amount: number }
          if (amount > 100) throw new RefusedError('too much')
          const answer = await next({ value: { amount: amount === 13 ? 'x' : amount * 2 } })
          seen.push([call.executionId, call.update, call.id, answer])
          return answer
        },
      },
    ],
  })
  const handle = await docket.start(accounts, Balance, { Owner: 'Ada' }, { id: 'a' })
  expect(await handle.update(Deposit, { amount: 5 }, { id: 'one' })).toEqual({ balance: 10 })
  expect(seen).toEqual([['a', 'Deposit', 'one', { balance: 10 }]])
  await expect(handle.update(Deposit, { amount: 101 })).rejects.toThrow('too much')
  await expect(handle.update(Deposit, { amount: 13 })).rejects.toMatchObject({ code: 'INPUT_INVALID' })
  await handle.signal(Close, true)
  expect(await handle.result()).toBe(10)
})

test('what a durable function emits passes them, and a refusal is the failure of its verb', async () => {
  const Packed = eventType('Packed', type<string>())
  const Done = dataType('Done', type<string>())
  const pack = durableStep({
    name: 'Pack',
    output: Done,
    run: (_, ctx) =>
      ctx.emit(Packed, 'order', 'box').then(
        (verdict) => String(verdict),
        (error: Error) => `failed: ${error.message}`,
      ),
  })
  const packs = graph({ name: 'packs', steps: [pack] })
  const keys: string[] = []
  await using docket = createTestDocket({
    graphs: [packs],
    interceptors: [
      {
        emit: async (call) => {
          keys.push(call.key)
          throw new RefusedError('not now')
        },
      },
    ],
  })
  expect(await docket.execute(packs, Done, {}, { id: 'one' })).toContain('not now')
  expect(keys).toEqual(['order'])
})
