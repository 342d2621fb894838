import { expect, test } from 'vitest'
import { assign, setup } from 'xstate'
import { StoreError } from '../../../src/core/errors.ts'
import { graph, machineStep } from '../../../src/index.ts'
import { alteredStore } from '../altered-store.ts'
import { World } from '../durable-time.ts'
import { Plus, Sum, Total } from './sums.ts'

/** Adds up what comes; what it does takes no more than a second. */
function adding() {
  const machine = setup({
    types: {} as {
      context: { sum: number }
      events: { type: 'PLUS'; value: number } | { type: 'TOTAL'; value: boolean }
      input: unknown
      output: number
    },
    actions: { add: assign({ sum: ({ context, event }) => context.sum + Number(event.value) }) },
  }).createMachine({
    context: { sum: 0 },
    initial: 'open',
    output: ({ context }) => context.sum,
    on: { PLUS: { actions: 'add' }, TOTAL: '.done' },
    states: { open: {}, done: { type: 'final' } },
  })
  const step = machineStep({
    name: 'Sums',
    machine,
    output: Sum,
    timeout: '1s',
    events: { PLUS: Plus, TOTAL: Total },
  })
  return graph({ name: 'sums', steps: [step] })
}

test('a machine that has timed out while its store was away is left where it was: tried again, it takes what came once', async () => {
  const world = new World()
  const sums = adding()
  let isAway = false
  const store = alteredStore(world.store, (method, ask) => {
    if (!isAway || method !== 'commit') return ask()
    return world.clock.sleep(2_000).then(() => {
      throw new StoreError('test', 'no answer in time', true)
    })
  })
  const docket = world.process({ graphs: [sums], store })
  const handle = await world.clock.settle(docket.start(sums, Sum, {}, { id: 'a' }))
  await world.clock.settle(handle.signal(Plus, 1))
  await world.clock.advance(100)
  isAway = true
  await world.clock.settle(handle.signal(Plus, 10))
  await world.clock.advance(1_500)
  isAway = false
  await world.clock.advance(1_000)
  await expect(world.clock.settle(handle.result())).rejects.toThrow('Sums')
  const again = await world.clock.settle(docket.retry('a'))
  await world.clock.settle(again.signal(Total, true))
  expect(await world.clock.settle(again.result())).toBe(11)
})
