/**
 * A worker with four slots and very many executions that wait: none is lost, no more run than it has slots for, and its heap stays flat.
 * `npm run backlog -- --count 60000`.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { sqliteStore } from '../../../stores/sqlite/index.ts'
import { workOff } from './backlog.ts'

const { values } = parseArgs({ options: { count: { type: 'string', default: '60000' } } })
const folder = mkdtempSync(join(tmpdir(), 'docket-backlog-'))
try {
  const since = performance.now()
  const worked = await workOff(() => sqliteStore(join(folder, 'backlog.db')), Number(values.count), 4)
  console.log({ ...worked, seconds: Math.round((performance.now() - since) / 1_000) })
  if (worked.lost > 0 || worked.most > 4 || worked.mostOwned > 8 || worked.heapGrowth > 30_000_000) process.exitCode = 1
} finally {
  rmSync(folder, { recursive: true, force: true })
}
