import { parseArgs } from 'node:util'
import { runSeed } from './run-seed.ts'

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '20000' },
    from: { type: 'string', default: '1' },
    seed: { type: 'string' },
    most: { type: 'string', default: '20' },
  },
})

if (values.seed !== undefined) {
  const { log, violations, profile } = await runSeed(Number(values.seed), { isVerbose: true })
  for (const line of log) console.log(line)
  console.log(`seed ${values.seed} (${profile}): ${violations.length === 0 ? 'all is well' : violations.join('\n  ')}`)
  process.exitCode = violations.length === 0 ? 0 : 1
} else {
  const from = Number(values.from)
  const count = Number(values.seeds)
  const faults: Record<string, number> = {}
  let failed = 0
  let ran = 0
  const beganAt = performance.now()
  for (let seed = from; seed < from + count && failed < Number(values.most); seed++) {
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
  console.log(`${ran} seeds, ${failed} failed, ${(ran / seconds).toFixed(0)} seeds/s`)
  console.log(`faults: ${JSON.stringify(faults)}`)
  process.exitCode = failed === 0 ? 0 : 1
}
