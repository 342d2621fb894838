import type { StoreAddress, StoreKind } from '../../processes/store-address.ts'
import { temporaryFolder } from '../../servers/guarded-process.ts'
import { startMysql } from '../../servers/mysql.ts'
import { startPostgres } from '../../servers/postgres.ts'
import { startRedis } from '../../servers/redis.ts'
import type { TestServer } from '../../servers/test-server.ts'
import type { Witness } from './change.ts'
import { JudgedStorm } from './judged-storm.ts'
import type { JudgedOutcome } from './judged-storm.ts'
import { redisWitness } from './redis-witness.ts'
import { sqlWitness } from './sql-witness.ts'

export const judgedKinds: readonly StoreKind[] = ['sqlite', 'postgres', 'mysql', 'redis']

/** How bad it is, whatever it is done to. */
const judgedPlan = { workers: 3, leaseMs: 1_000, pauseMs: 1_200, callEveryMs: 25, olderThanMs: 1_500 }

/** Has a store witnessed while it is tormented for so long. */
export async function judgeStorm(
  address: StoreAddress,
  seed: number,
  { forMs, log }: { readonly forMs: number; readonly log?: string | undefined },
): Promise<JudgedOutcome> {
  await using witness = await witnessOf(address)
  const path = log ?? `${temporaryFolder('judge-log')}/log.jsonl`
  return await new JudgedStorm(address, { ...judgedPlan, forMs }, seed, path).run(witness)
}

export function witnessOf(address: StoreAddress): Promise<Witness> {
  const { kind } = address
  return kind === 'redis' ? redisWitness(address) : sqlWitness({ ...address, kind })
}

/** The same over a server of its own. */
export async function judgeOwnServer(
  kind: StoreKind,
  seed: number,
  options: { readonly forMs: number; readonly log?: string | undefined },
): Promise<JudgedOutcome> {
  if (kind === 'sqlite') {
    const url = `${temporaryFolder('judge')}/docket.db`
    return judgeStorm({ kind, url, space: '' }, seed, options)
  }
  await using server = await starters[kind]()
  return await judgeStorm({ kind, url: server.url, space: 'judged_' }, seed, options)
}

const starters: Readonly<Record<Exclude<StoreKind, 'sqlite'>, () => Promise<TestServer>>> = {
  postgres: () => startPostgres(),
  mysql: () => startMysql(),
  redis: () => startRedis(),
}

/** What came out, in a few lines. */
export function judgementText(kind: StoreKind, seed: number, outcome: JudgedOutcome): string {
  const { faults, executions, changes, begins, answers, violations, seconds } = outcome
  const { kill, stop, close } = faults
  const shown = Map.groupBy(violations, ({ rule }) => rule)
  return [
    `${kind}, seed ${seed}: ${changes} changes of ${executions} ids and ${begins} steps begun in ${seconds.toFixed(0)} s; ` +
      `${kill} kills, ${stop} stops, ${close} closes`,
    `  answers: ${Object.entries(answers)
      .map(([operation, count]) => `${count} ${operation}`)
      .join(', ')}`,
    `  ${violations.length === 0 ? 'nothing was violated' : `${violations.length} violations:`}`,
    ...[...shown].flatMap(([rule, list]) => [
      `  ${rule}: ${list.length}`,
      ...list.slice(0, 10).map(({ text }) => `    ${text.slice(0, 600)}`),
    ]),
  ].join('\n')
}
