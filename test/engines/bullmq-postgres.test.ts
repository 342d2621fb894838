import { afterAll, describe, test } from 'vitest'
import { bullmqEngine } from '../../src/engines/bullmq/index.ts'
import { engineConformance } from '../../src/testing/index.ts'
import { serverUrl } from '../servers/server-url.ts'
import { engineDatabase, interruptiblePostgresEngineSpace, postgresEngineSpace } from './postgres-space.ts'

const { url, drop } = await engineDatabase(await serverUrl('postgres'))
afterAll(drop)

engineConformance(
  { describe, test },
  {
    name: 'bullmq on postgres',
    capabilities: bullmqEngine({ connection: url }).capabilities,
    createSpace: () => postgresEngineSpace(url),
    comesBackWithinMs: 8_000,
    createInterruptibleSpace: interruptiblePostgresEngineSpace,
  },
)
