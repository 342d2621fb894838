import { expect, test } from 'vitest'
import { z } from 'zod'
import { dataType, graph, race, signal, step } from '../../src/index.ts'
import type { ExecutionCommit } from '../../src/core/contracts/execution-record.ts'
import { StoreError } from '../../src/core/errors.ts'
import { alteredStore } from './altered-store.ts'
import { World } from './durable-time.ts'
import { Approval, Decision, inputs, Order } from './parked-orders.ts'

const Quote = dataType('Quote', z.string())

const declared = graph({
  name: 'quoted',
  steps: [
    step({
      name: 'AskForQuote',
      inputs: { order: Order },
      output: Quote,
      persist: 'execution',
      timeout: '3s',
      run: () => 'quoted',
    }),
    signal(Approval),
    race({
      name: 'Decide',
      inputs: { quote: Quote, approval: Approval },
      output: Decision,
      run: (first) => (first.port === 'quote' ? first.value : first.value.by),
    }),
  ],
})

function isQuote(method: string, [commits]: readonly unknown[]): boolean {
  if (method !== 'commit') return false
  return (commits as readonly ExecutionCommit[]).some(({ steps }) =>
    steps.some((one) => one.step === 'AskForQuote' && one.status === 'completed'),
  )
}

test('a signal is accepted where the commit that decided its race was written and its answer never came: the race goes on with it', async () => {
  const world = new World()
  const store = alteredStore(world.store, async (method, ask, given) => {
    const answer: unknown = await ask()
    if (isQuote(method, given)) throw new StoreError('altered', 'the connection broke', true)
    return answer
  })
  const docket = world.process({ graphs: [declared], store })
  const handle = await world.clock.settle(docket.start(declared, Decision, inputs, { id: 'a' }))
  await world.clock.advance(9_000)
  expect(await world.clock.settle(handle.signal(Approval, { by: 'Ada' }))).toBe('accepted')
  expect(await world.clock.settle(handle.signal(Approval, { by: 'Bo' }))).toMatch(/duplicate|ended/)
  expect(await world.clock.settle(handle.result())).toBe('Ada')
})
