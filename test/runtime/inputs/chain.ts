import { optional, step } from '../../../src/index.ts'
import { graphOf, number } from '../../loose-api.ts'

export const [A, B, C, Target] = [number('A'), number('B'), number('C'), number('Target')]
const D = number('D')

/** (A, B) → C → D, (D, optional E) → Target; and who ran. */
export function chain() {
  const ran: string[] = []
  const steps = [
    step({ name: 'c', inputs: { a: A, b: B }, output: C, run: ({ a, b }) => (ran.push('c'), a + b) }),
    step({ name: 'd', inputs: { c: C }, output: D, run: ({ c }) => (ran.push('d'), c * 10) }),
    step({
      name: 't',
      inputs: { d: D, e: optional(number('E')) },
      output: Target,
      run: ({ d, e }) => (ran.push('t'), d + (e ?? 0)),
    }),
    step({ name: 'other', inputs: { x: number('X') }, output: number('Y'), run: () => (ran.push('other'), 1) }),
  ]
  return { graph: graphOf(steps), ran }
}
