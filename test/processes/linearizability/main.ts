// `npm run linearizability -- --runs 20 --seconds 60 --seed 1 --of function`: clients operate on registers, functions or machines, in a SQLite file whose processes are killed, and one order of
// all operations has to explain the answers.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { runRegister } from './register-run.ts'

const { values: flags } = parseArgs({
  options: {
    runs: { type: 'string', default: '20' },
    seconds: { type: 'string', default: '60' },
    of: { type: 'string', default: 'function' },
    seed: { type: 'string', default: String(Math.floor(Math.random() * 1e9)) },
  },
})
const of = flags.of === 'machine' ? 'machine' : 'function'
const [runs, seconds, first] = [flags.runs, flags.seconds, flags.seed].map(Number) as [number, number, number]
for (let seed = first; seed < first + runs; seed++) {
  const folder = mkdtempSync(join(tmpdir(), 'docket-register-'))
  const address = { kind: 'sqlite', url: join(folder, 'docket.db'), space: '' } as const
  const { operations, kills, violations } = await runRegister(address, seconds * 1_000, seed, of)
  console.log(`seed ${seed}: ${operations} operations, ${kills} kills, ${violations.length} violations`)
  for (const violation of violations) console.log(`  ${violation}`)
  if (violations.length > 0) process.exitCode = 1
  rmSync(folder, { recursive: true })
}
