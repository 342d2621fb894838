import { assign, fromPromise, setup } from 'xstate'
import { z } from 'zod'
import { dataType, graph, machineStep, update } from '../../../src/index.ts'

export const Add = update('Add', { input: z.number(), output: z.number() })
export const Plus = dataType('Plus', z.number())
export const Total = dataType('Total', z.boolean())
export const Sum = dataType('Sum', z.number())

/** A machine that adds up what comes; what it has invoked is at work all the while, where it `works`. */
export function sums(works: boolean) {
  const machine = setup({
    types: {} as {
      context: { sum: number }
      events: { type: 'ADD'; value: number } | { type: 'PLUS'; value: number } | { type: 'TOTAL'; value: boolean }
      input: unknown
      output: number
    },
    actors: { forever: fromPromise(() => new Promise<never>(() => {})) },
    actions: { add: assign({ sum: ({ context, event }) => context.sum + Number(event.value) }) },
  }).createMachine({
    context: { sum: 0 },
    initial: works ? 'works' : 'rests',
    output: ({ context }) => context.sum,
    on: { ADD: { actions: 'add' }, PLUS: { actions: 'add' }, TOTAL: '.done' },
    states: { rests: {}, works: { invoke: { src: 'forever' } }, done: { type: 'final' } },
  })
  const step = machineStep({
    name: 'Sums',
    machine,
    output: Sum,
    events: { ADD: Add, PLUS: Plus, TOTAL: Total },
    answers: { ADD: ({ context }) => context.sum },
  })
  return graph({ name: 'sums', steps: [step] })
}
