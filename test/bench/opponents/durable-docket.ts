import { join } from 'node:path'
import { createDocket, dataType, step, type, untypedGraph } from '../../../src/index.ts'
import { memoryStore } from '../../../stores/memory/index.ts'
import { mysqlStore } from '../../../stores/mysql/index.ts'
import { postgresStore } from '../../../stores/postgres/index.ts'
import { redisStore } from '../../../stores/redis/index.ts'
import { sqliteStore } from '../../../stores/sqlite/index.ts'
import { chainLength, freshName } from '../durable/engine.ts'
import type { Engine, Places } from '../durable/engine.ts'
import { mysqlFootprint, postgresFootprint, processFootprint, redisFootprint } from '../durable/footprints.ts'
import type { FootprintReader } from '../durable/footprints.ts'

/** The stores that Docket is measured on. */
export type StoreKind = 'postgres' | 'redis' | 'sqlite' | 'sqlite-normal' | 'mysql' | 'memory'

/** A chain of so many persisted steps, each adding one; `work` is called before each of them. */
export function durableChain(length: number, work: (step: number) => void | Promise<void> = () => {}) {
  const types = Array.from({ length: length + 1 }, (_, index) => dataType(`T${index}`, type<number>()))
  const graph = untypedGraph({
    name: 'chain',
    steps: Array.from({ length }, (_, index) =>
      step({
        name: `s${index}`,
        inputs: { value: types[index]! },
        output: types[index + 1]!,
        persist: 'execution',
        run: async ({ value }) => {
          const pause = work(index)
          if (pause !== undefined) await pause
          return value + 1
        },
      }),
    ),
  })
  return { graph, target: types.at(-1)!, inputs: { T0: 0 } }
}

/** A store of its kind, as its defaults have it, over data that nobody has used before unless it is named. */
export function openStore(kind: StoreKind, places: Places, name = freshName('docket')) {
  if (kind === 'postgres') return postgresStore({ url: places.postgres, schema: name })
  if (kind === 'redis') return redisStore({ url: places.redis, prefix: name })
  if (kind === 'mysql') return mysqlStore({ url: places.mysql, prefix: `${name}_` })
  if (kind === 'memory') return memoryStore()
  return sqliteStore({ path: join(places.folder, `${name}.db`), synchronous: kind === 'sqlite' ? 'full' : 'normal' })
}

/** Docket on one of its stores. */
export async function openDocket(kind: StoreKind, places: Places): Promise<Engine> {
  const { graph, target, inputs } = durableChain(chainLength)
  const docket = createDocket({ graphs: [graph], store: openStore(kind, places) })
  const footprint = await footprintOf(kind, places)
  return {
    run: () => docket.execute(graph, target, inputs),
    ...(footprint === undefined ? {} : { footprint: footprint.read }),
    async close() {
      await docket.close()
      await footprint?.close()
    },
  }
}

async function footprintOf(kind: StoreKind, places: Places): Promise<FootprintReader | undefined> {
  if (kind === 'postgres') return postgresFootprint(places.postgres)
  if (kind === 'redis') return redisFootprint(places.redis)
  if (kind === 'mysql') return mysqlFootprint(places.mysql)
  return kind === 'memory' ? undefined : processFootprint('self')
}
