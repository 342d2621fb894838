import { BenchChild } from '../durable/bench-child.ts'
import { fullChain, quickChain } from '../durable/chain-round.ts'
import type { ChainRound, ContenderName } from '../durable/chain-round.ts'
import { quantileOf, ratioOf, spreadOf } from '../measure.ts'
import type { Series } from '../measure.ts'
import { duration, factor, grouped } from '../table-text.ts'
import type { Result, TableRows, Workload } from './workload.ts'

/** What is measured of each contender, by the names that the targets use. */
export const chainMeasures = {
  p50: 'one at a time, p50',
  p99: 'one at a time, p99',
  many: '50 at once, a step',
} as const

interface ChainSetup {
  readonly name: string
  readonly title: string
  readonly servers: readonly ('postgres' | 'redis' | 'mysql')[]
  readonly contenders: readonly ContenderName[]
  readonly notes: readonly string[]
}

/** A chain of ten persisted steps that do nothing: by Docket, and by others on the same servers, each in a process of its own. */
function chainOf({ name, title, servers: kinds, contenders, notes }: ChainSetup): Workload {
  return {
    name,
    title,
    measure: async (_, { isQuick, servers }): Promise<Result> => {
      const places = await servers.places(...kinds)
      const effort = isQuick ? quickChain : fullChain
      const rounds = new Map<ContenderName, ChainRound[]>(contenders.map((contender) => [contender, []]))
      const leftOut: string[] = []
      for (let round = 0; round < (isQuick ? 1 : 3); round++) {
        for (const [contender, done] of rounds) {
          try {
            await using child = new BenchChild('durable-chain-child.ts')
            done.push(await child.ask<ChainRound>('measure', { name: contender, places, effort }))
          } catch (error) {
            // Somebody who can't be run here leaves the others comparable.
            rounds.delete(contender)
            leftOut.push(`${contender} is left out: ${error instanceof Error ? error.message : String(error)}`)
          }
        }
      }
      return {
        name,
        title,
        series: [],
        measures: measuresOf(rounds),
        tables: [tableOf(rounds)],
        notes: [...leftOut, ...notes],
      }
    },
  }
}

type Rounds = ReadonlyMap<ContenderName, readonly ChainRound[]>

/** Raw writers run no chains, so they have no latencies. */
function isEngine({ msPerRun }: Series): boolean {
  return !msPerRun.some(Number.isNaN)
}

function textOf(value: number | undefined, print: (value: number) => string): string {
  return value === undefined ? '–' : print(value)
}

function measuresOf(rounds: Rounds): Record<string, readonly Series[]> {
  const series = (pick: (round: ChainRound) => number): Series[] =>
    [...rounds].map(([name, done]) => ({ name, msPerRun: done.map(pick) }))
  return {
    [chainMeasures.p50]: series(({ latencies }) => quantileOf(latencies, 0.5)).filter(isEngine),
    [chainMeasures.p99]: series(({ latencies }) => quantileOf(latencies, 0.99)).filter(isEngine),
    [chainMeasures.many]: series(({ msPerStep }) => msPerStep),
  }
}

function tableOf(rounds: Rounds): TableRows {
  const [first] = rounds.values()
  const ours = { name: '', msPerRun: (first ?? []).map(({ msPerStep }) => msPerStep) }
  const head = ['', 'p50', 'p99', 'steps/s at 50', 'middle half', '× first', 'writes a step', 'bytes a step']
  const rows = [...rounds].map(([name, done]) => {
    const perSecond = spreadOf(done.map(({ msPerStep }) => 1_000 / msPerStep))
    const median = (pick: (round: ChainRound) => number | undefined): number | undefined => {
      const values = done.map(pick).filter((value) => value !== undefined && !Number.isNaN(value))
      return values.length === 0 ? undefined : spreadOf(values as number[]).median
    }
    return [
      name,
      textOf(
        median(({ latencies }) => quantileOf(latencies, 0.5)),
        duration,
      ),
      textOf(
        median(({ latencies }) => quantileOf(latencies, 0.99)),
        duration,
      ),
      grouped(perSecond.median),
      `${grouped(perSecond.low)} – ${grouped(perSecond.high)}`,
      factor(ratioOf(ours, { name, msPerRun: done.map(({ msPerStep }) => msPerStep) }).median),
      textOf(
        median(({ writesPerStep }) => writesPerStep),
        factor,
      ),
      textOf(
        median(({ bytesPerStep }) => bytesPerStep),
        grouped,
      ),
    ]
  })
  return [head, ...rows]
}

const unlike = '× first: steps/s over those of the first; p50 and p99: a whole chain, one at a time'
const likeServer = 'Restate: its own server with four partitions, over HTTP/2'

export const durableChains: readonly Workload[] = [
  chainOf({
    name: 'durable-pg',
    title: 'durable chain of 10 on PostgreSQL, fsync and synchronous_commit on',
    servers: ['postgres'],
    contenders: ['Docket on PostgreSQL', 'DBOS', 'openworkflow', 'Effect', 'Restate', 'raw PostgreSQL'],
    notes: [
      unlike,
      'writes: transactions that wrote; bytes: of the write-ahead log (Restate: calls of write, and their bytes)',
      'openworkflow polls once a second; here its worker is woken for each run, and results are read once they are there',
      'raw PostgreSQL: the same records of executions and steps in prepared statements of 50 rows on one connection',
      likeServer,
    ],
  }),
  chainOf({
    name: 'durable-redis',
    title: 'durable chain of 10 on Redis, append-only file written every second',
    servers: ['redis'],
    contenders: ['Docket on Redis', 'BullMQ', 'Restate', 'raw Redis'],
    notes: [
      unlike,
      'writes: commands, reads and those inside scripts included; bytes: of the append-only file (Restate: as above)',
      'BullMQ: a flow of ten jobs, each the child of the next; raw Redis: the same records and index, pipelines of 50, one client',
      likeServer,
    ],
  }),
  chainOf({
    name: 'durable-sqlite',
    title: 'durable chain of 10 on SQLite, write-ahead log',
    servers: [],
    contenders: ['Docket on SQLite, FULL', 'raw SQLite, FULL', 'Docket on SQLite, NORMAL', 'raw SQLite, NORMAL'],
    notes: [
      unlike,
      'writes: calls of write; bytes: what they wrote, the moves from the log into the file included',
      'raw SQLite: the same records of executions and steps by prepared statements, 50 in a transaction',
    ],
  }),
  chainOf({
    name: 'durable-others',
    title: 'durable chain of 10 on MariaDB, flushed at each commit, and in memory',
    servers: ['mysql'],
    contenders: ['Docket on MariaDB', 'Docket in memory'],
    notes: [unlike, 'writes: commits of rows as MariaDB counts them; bytes: of InnoDB’s log'],
  }),
]

/** The chain as the body of one function, by everybody who has such. */
export const functionChain = 'function-chain'

export const functionChains: readonly Workload[] = [
  chainOf({
    name: functionChain,
    title: 'ten checkpoints in one durable function, PostgreSQL with fsync and synchronous_commit on',
    servers: ['postgres', 'redis'],
    contenders: [
      'Docket’s function on PostgreSQL',
      'Docket on PostgreSQL',
      'DBOS',
      'openworkflow',
      'Absurd',
      'Effect',
      'Restate',
      'Docket’s function on Redis',
      'Docket’s function on SQLite, FULL',
    ],
    notes: [
      unlike,
      'Docket on PostgreSQL: the same ten as steps of a graph',
      'openworkflow polls once a second; here its worker is woken for each run, and results are read once they are there',
      'Absurd polls every quarter of a second; here its worker looks every 5 ms, and results are read once they are there',
      likeServer,
    ],
  }),
]
