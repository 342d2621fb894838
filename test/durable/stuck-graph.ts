import { graph, step } from '../../src/index.ts'
import { never, number } from '../loose-api.ts'

export const A = number('A')
export const B = number('B')
const C = number('C')
export const D = number('D')
export const End = number('End')

/**
 * Check (not persisted) and Pay (persisted) hang, Retry waits for its next attempt, Busy for the slot that another execution holds; Later needs
 * Pay, and End all.
 */
export function stuckGraph(name = 'stuck') {
  const later = new Error('later')
  return graph({
    name,
    steps: [
      step({ name: 'Check', output: A, run: () => never<number>() }),
      step({ name: 'Pay', output: B, persist: 'execution', run: () => never<number>() }),
      step({
        name: 'Retry',
        output: C,
        persist: 'execution',
        retry: { maxAttempts: 2, backoff: '1h' },
        run: () => Promise.reject(later),
      }),
      step({ name: 'Later', inputs: { b: B }, output: D, run: ({ b }) => b }),
      step({ name: 'End', inputs: { a: A, c: C, d: D }, output: End, persist: 'execution', run: () => 1 }),
    ],
  })
}
