// `npm run bench`: all workloads, Docket against the others, in one process. See docs/benchmarks.md for what came out.
import { parseArgs } from 'node:util'
import { fullEffort, quickEffort } from './measure.ts'
import { installOpponents } from './packages.ts'
import { surroundings, tableOf, verdicts } from './report.ts'
import { targets, verdictOf } from './targets.ts'
import { batch } from './workloads/batch.ts'
import { cache } from './workloads/cache.ts'
import { compileTime } from './workloads/compile-time.ts'
import { growth } from './workloads/growth.ts'
import { heap } from './workloads/heap.ts'
import { observer } from './workloads/observer.ts'
import { shapeWorkloads } from './workloads/run-shape.ts'
import { schemas } from './workloads/schemas.ts'
import type { Result } from './workloads/workload.ts'

const workloads = [...shapeWorkloads, growth, batch, heap, schemas, observer, cache, compileTime]
const names = workloads.map(({ name }) => name)

const usage = `npm run bench -- [--quick] [--only <workload>[,<workload>…]] [--json]
  --quick  fewer and shorter rounds: to see that it works, not to quote
  --only   of: ${names.join(', ')}
  --json   everything measured, as JSON on stdout (progress on stderr)`

const { values: flags } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    only: { type: 'string', multiple: true, default: [] },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
})
const only = flags.only.flatMap((list) => list.split(','))
const unknown = only.filter((name) => !names.includes(name))
if (flags.help || unknown.length > 0) {
  console.error(unknown.length > 0 ? `unknown workload: ${unknown.join(', ')}\n${usage}` : usage)
  process.exit(unknown.length > 0 ? 1 : 0)
}

installOpponents()
const say = flags.json ? console.error : console.log
const effort = flags.quick ? quickEffort : fullEffort
for (const [name, version] of Object.entries(surroundings())) say(`${name.padEnd(22)} ${version}`)
say(
  `${effort.rounds} rounds of about ${effort.roundMs} ms each, interleaved; medians, and the range of the middle half of the rounds`,
)

const results = new Map<string, Result>()
for (const workload of workloads) {
  if (only.length > 0 && !only.includes(workload.name)) continue
  const result = await workload.measure(effort, { isQuick: flags.quick })
  results.set(workload.name, result)
  say(`\n${tableOf(result)}`)
}

say(`\n## Verdicts${flags.quick ? ' (a quick run: not to quote)' : ''}\n${verdicts(results)}`)
if (flags.json) {
  const judged = targets.map((target) => {
    const got = target.got(results)
    return {
      measure: target.measure,
      must: target.must,
      goal: target.goal,
      unit: target.unit,
      got,
      verdict: verdictOf(target, got),
    }
  })
  console.log(
    JSON.stringify(
      { surroundings: surroundings(), effort, results: [...results.values()], verdicts: judged },
      undefined,
      2,
    ),
  )
}
