import type * as bullmq from 'bullmq'
import type * as ioredis from 'ioredis'
import type pg from 'pg'
import { EngineError } from '../../core/engine-error.ts'
import { isMissingPackage } from '../../core/is-missing-package.ts'
import { unloadable } from '../../core/unloadable.ts'
import { engineName } from './name.ts'

type Bullmq = typeof bullmq
type Ioredis = Pick<typeof ioredis, 'Cluster' | 'Redis'>

/** BullMQ and the client for Redis, both at once: an error names all that is missing. @throws EngineError */
export async function loadForRedis(): Promise<{ readonly bullmq: Bullmq; readonly ioredis: Ioredis }> {
  const [forJobs, client] = await loadAll({ bullmq: () => import('bullmq'), ioredis: () => import('ioredis') })
  return { bullmq: forJobs as Bullmq, ioredis: client as Ioredis }
}

/** BullMQ and the client for PostgreSQL. @throws EngineError */
export async function loadForPostgres(): Promise<{ readonly bullmq: Bullmq; readonly pg: typeof pg }> {
  const [forJobs, client] = await loadAll({ bullmq: () => import('bullmq'), pg: () => import('pg') })
  const loaded = { bullmq: forJobs as Bullmq, pg: (client as { readonly default: typeof pg }).default }
  if (typeof loaded.bullmq.createPostgresBackend !== 'function')
    throw new EngineError(
      engineName,
      'this version of bullmq has no PostgreSQL backend: npm install bullmq@latest (6.7 or newer)',
      false,
    )
  return loaded
}

async function loadAll(loaders: Readonly<Record<string, () => Promise<unknown>>>): Promise<readonly unknown[]> {
  const names = Object.keys(loaders)
  const loaded = await Promise.allSettled(Object.values(loaders).map((load) => load()))
  const missing = names.filter((name, index) => {
    const result = loaded[index]!
    return result.status === 'rejected' && isMissingPackage(result.reason, name)
  })
  if (missing.length > 0)
    throw new EngineError(
      engineName,
      `it needs the package${missing.length > 1 ? 's' : ''} ${missing.join(' and ')}: npm install ${names.join(' ')}`,
      false,
    )
  return loaded.map((result, index) => {
    if (result.status === 'fulfilled') return result.value
    throw new EngineError(engineName, unloadable(names[index]!, result.reason), false, { cause: result.reason })
  })
}
