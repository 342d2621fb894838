/**
 * Many simulated worlds: `npm run simulate` runs 20,000, spread over all bands like those of the suite; `--skip 30000` takes others of each band, `--from 1 --seeds 500`
 * those from a seed on, and `--seed 7` tells what happened in one.
 */
import { parseArgs } from 'node:util'
import { bandsOfMore, bandsOfSteps } from './bands.ts'
import type { Band } from './bands.ts'
import { runSeed } from './run-seed.ts'

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '20000' },
    skip: { type: 'string', default: '10000' },
    from: { type: 'string' },
    seed: { type: 'string' },
    most: { type: 'string', default: '20' },
  },
})
const faults: Record<string, number> = {}
let failed = 0

/** The bands of the suite, each with its share of so many worlds, from others on. */
function spread(worlds: number, skip: number): readonly Band[] {
  const bands = [...bandsOfSteps, ...bandsOfMore]
  const all = bands.reduce((sum, [count]) => sum + count, 0)
  return bands.map(([count, first, what]) => [Math.ceil((count / all) * worlds), first + skip, what])
}

async function runBand([count, first, what]: Band): Promise<void> {
  const beganAt = performance.now()
  let ran = 0
  for (let seed = first; seed < first + count && failed < Number(values.most); seed++) {
    const outcome = await runSeed(seed)
    ran++
    for (const [kind, times] of Object.entries(outcome.faults)) faults[kind] = (faults[kind] ?? 0) + times
    if (outcome.violations.length === 0) continue
    failed++
    console.log(
      `${outcome.violations.slice(0, 3).join('\n  ')}\n  (${outcome.profile}; npm run simulate -- --seed ${seed})`,
    )
  }
  const seconds = (performance.now() - beganAt) / 1_000
  console.log(`${ran} seeds from ${first} on, ${(ran / seconds).toFixed(0)} seeds/s: ${what}`)
}

if (values.seed !== undefined) {
  const { log, violations, profile } = await runSeed(Number(values.seed), { isVerbose: true })
  for (const line of log) console.log(line)
  console.log(`seed ${values.seed} (${profile}): ${violations.length === 0 ? 'all is well' : violations.join('\n  ')}`)
  process.exitCode = violations.length === 0 ? 0 : 1
} else {
  const count = Number(values.seeds)
  const bands: readonly Band[] =
    values.from === undefined
      ? spread(count, Number(values.skip))
      : [[count, Number(values.from), 'neighbouring seeds']]
  for (const band of bands) await runBand(band)
  console.log(`${failed} failed; faults: ${JSON.stringify(faults)}`)
  process.exitCode = failed === 0 ? 0 : 1
}
