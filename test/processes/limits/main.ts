// `npm run limits -- --store postgres --by queue --runs 10 --seed 1`: processes that share limits are killed at random, for longer than the tests do it.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { startMysql } from '../../servers/mysql.ts'
import { startPostgres } from '../../servers/postgres.ts'
import { startRedis } from '../../servers/redis.ts'
import { openPlaces } from '../places.ts'
import type { StoreKind } from '../store-address.ts'
import { limitsStorm } from './limits-storm.ts'

const { values: flags } = parseArgs({
  options: {
    store: { type: 'string', default: 'postgres' },
    by: { type: 'string', default: 'step' },
    runs: { type: 'string', default: '10' },
    seed: { type: 'string', default: String(Math.floor(Math.random() * 1e9)) },
  },
})
const [runs, first] = [Number(flags.runs), Number(flags.seed)]
const servers = [await startPostgres(), await startMysql(), await startRedis()] as const
const places = await openPlaces({ postgres: servers[0].url, mysql: servers[1].url, redis: servers[2].url })
const folder = mkdtempSync(join(tmpdir(), 'docket-limits-'))
for (let seed = first; seed < first + runs; seed++) {
  const { address } = await places.newPlace(flags.store as StoreKind)
  const plan = {
    address,
    log: join(folder, `${seed}.log`),
    seed,
    processes: 4,
    each: 40,
    kills: 12,
    limit: 2,
    by: flags.by as 'step' | 'queue',
    stepMs: 50,
  }
  const { most, mostAtTheEnd, unfinished, left } = await limitsStorm(plan)
  const isRight = most === 2 && mostAtTheEnd === 2 && unfinished.length === 0
  console.log(
    `seed ${seed} on ${flags.store}, by ${flags.by}: at most ${most} at once, ${mostAtTheEnd} at the end, ${unfinished.length} unfinished, ${left} states left${isRight ? '' : ': WRONG'}`,
  )
  if (!isRight) process.exitCode = 1
}
rmSync(folder, { recursive: true })
await places.close()
for (const server of servers) await server.stop()
