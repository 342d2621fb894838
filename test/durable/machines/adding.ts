import { assign, setup } from 'xstate'
import { machineStep } from '../../../src/index.ts'
import { Plus, Sum, Total } from './sums.ts'

/** A machine that adds up what comes, and ends with TOTAL. */
export function adding(timeout?: string) {
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
  return machineStep({ name: 'Sums', machine, output: Sum, timeout, events: { PLUS: Plus, TOTAL: Total } })
}
