import { shapes } from '../chaos-graphs.ts'
import type { ChaosShape } from '../chaos-graphs.ts'

/** A step that fails by chance, so that there is something to retry. */
export const brittleStep = 'Brittle'

const kept = { scope: 'execution' } as const

/** What is run under the judge's eyes. */
export const judgedShapes: readonly ChaosShape[] = [
  ...shapes.filter(({ name }) => name !== 'Long'),
  {
    name: 'Breaks',
    leaves: ['Seed'],
    steps: [
      { name: 'Firm', from: ['Seed'], ...kept },
      { name: 'Slack', from: ['Seed'] },
      { name: brittleStep, from: ['Firm', 'Slack'], ...kept },
      { name: 'Last', from: [brittleStep, 'Firm'], ...kept },
    ],
  },
]
