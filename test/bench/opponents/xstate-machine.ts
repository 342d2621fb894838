import { assign, createActor, createMachine, fromPromise, toPromise } from 'xstate'
import type { Opponent, Work } from './opponent.ts'

/** What an XState user writes: a state for each level, parallel where it has several steps, each invoking a promise. */
export const xstateMachine: Opponent = {
  name: 'XState machine',
  leavesOut: ({ layers }) =>
    layers.some((layer) => layer.length >= 1_000)
      ? 'one run of 1,000 parallel states takes 20 s: ending them is quadratic'
      : undefined,
  prepare: ({ layers }, work) => {
    const machine = createMachine(machineConfig(layers, work) as never)
    return async () => {
      const actor = createActor(machine)
      actor.start()
      return toPromise(actor)
    }
  },
}

function machineConfig(layers: readonly (readonly number[])[], work: Work): object {
  const logic = fromPromise<number, { readonly step: number }>(({ input }) => work(input.step))
  const invoke = (step: number, target: string) => ({
    src: logic,
    input: { step },
    onDone: { target, actions: assign({ [`v${step}`]: ({ event }: { event: { output?: unknown } }) => event.output }) },
  })
  const states = layers.map((layer, level) => {
    const next = level + 1 < layers.length ? `level${level + 1}` : 'end'
    if (layer.length === 1) return [`level${level}`, { invoke: invoke(layer[0]!, next) }] as const
    const region = (step: number) => ({
      initial: 'running',
      states: { running: { invoke: invoke(step, 'done') }, done: { type: 'final' } },
    })
    const regions = Object.fromEntries(layer.map((step) => [`s${step}`, region(step)]))
    return [`level${level}`, { type: 'parallel', states: regions, onDone: { target: next } }] as const
  })
  const last = `v${layers.at(-1)![0]}`
  return {
    context: {},
    initial: 'level0',
    states: { ...Object.fromEntries(states), end: { type: 'final' } },
    output: ({ context }: { context: Record<string, unknown> }) => context[last],
  }
}
