import { join } from 'node:path'
import { createDocket } from '../../../src/index.ts'
import { chainLength, freshName, groupSize } from '../durable/engine.ts'
import type { Places, RawWriter } from '../durable/engine.ts'
import { durableChain, openStore } from './durable-docket.ts'
import type { StoreKind } from './durable-docket.ts'
import { openRawPostgres } from './raw-postgres.ts'
import { openRawRedis } from './raw-redis.ts'
import { openRawSqlite } from './raw-sqlite.ts'

/** Writes the records of executions that go side by side, a group in one go. */
export interface RawGroups {
  /** The executions' own records, as they begin. */
  begin(ids: readonly string[]): Promise<unknown>
  /** The record of one step of each of them. */
  step(ids: readonly string[], step: number): Promise<unknown>
  /** The record of the last step, and how they ended. */
  end(ids: readonly string[], step: number): Promise<unknown>
  readonly footprint: RawWriter['footprint']
  readonly close: RawWriter['close']
}

/**
 * The same bytes as Docket's, written by hand as fast as one client can: the records are read from what Docket wrote, so they have its
 * columns, its values, its keys and its indexes. Nobody asks whose an execution is, and nobody waits for a function.
 */
export async function openRaw(
  kind: 'postgres' | 'redis' | 'sqlite' | 'sqlite-normal',
  places: Places,
): Promise<RawWriter> {
  const name = freshName('sample')
  const id = await runSample(kind, places, name)
  const groups = await open(kind, places, name, id)
  let number = 0
  return {
    async write(rows) {
      for (let done = 0; done < rows; done += groupSize * chainLength) {
        const ids = Array.from({ length: groupSize }, () => idLike(id, number++))
        await groups.begin(ids)
        for (let step = 0; step < chainLength - 1; step++) await groups.step(ids, step)
        await groups.end(ids, chainLength - 1)
      }
    },
    footprint: groups.footprint,
    close: groups.close,
  }
}

function open(kind: StoreKind, places: Places, name: string, id: string): Promise<RawGroups> {
  if (kind === 'redis') return openRawRedis(places.redis, name, id)
  if (kind === 'postgres') return openRawPostgres(places.postgres, name, id)
  return openRawSqlite(join(places.folder, `${name}.db`), kind === 'sqlite' ? 'full' : 'normal', id)
}

async function runSample(kind: StoreKind, places: Places, name: string): Promise<string> {
  const { graph, target, inputs } = durableChain(chainLength)
  await using docket = createDocket({ graphs: [graph], store: openStore(kind, places, name) })
  const execution = await docket.start(graph, target, inputs)
  await execution.result()
  return execution.id
}

/** As long as the sample's, and one after the other, as Docket's own are in the order of time. */
function idLike(id: string, number: number): string {
  const end = number.toString(16)
  return id.slice(0, -12) + end.padStart(12, '0')
}
