import { assign, setup } from 'xstate'

/** Counts what it gets, by itself or in `value`, and ends when it has got all of it. */
export function counterMachine(id: string) {
  return setup({
    types: {
      context: {} as { count: number; left: number },
      input: {} as { events: number },
      events: {} as { type: 'ADD'; value: number },
      output: {} as number,
    },
  }).createMachine({
    id,
    context: ({ input }) => ({ count: 0, left: input.events }),
    initial: 'counting',
    states: {
      counting: {
        always: { guard: ({ context }) => context.left === 0, target: 'full' },
        on: {
          ADD: {
            actions: assign(({ context, event }) => ({
              count: context.count + event.value,
              left: context.left - 1,
            })),
          },
        },
      },
      full: { type: 'final' },
    },
    output: ({ context }) => context.count,
  })
}
