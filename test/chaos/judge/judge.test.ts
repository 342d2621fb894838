import { expect, test } from 'vitest'
import { placeMaker } from '../../processes/place.ts'
import { judgedKinds, judgementText, judgeStorm } from './judge-run.ts'

const makePlace = await placeMaker()

// The long form is `npm run chaos -- --judge`.
test.each(judgedKinds)(
  'what processes are answered and write to %s while they are struck keeps to the guarantees',
  { timeout: 180_000 },
  async (kind) => {
    const seed = Math.floor(Math.random() * 1e9)
    const { address } = await makePlace(kind)
    const outcome = await judgeStorm(address, seed, { forMs: 5_000 })
    console.log(judgementText(kind, seed, outcome))
    expect(outcome.violations).toEqual([])
    expect(outcome.changes).toBeGreaterThan(100)
  },
)
