import { describe, test } from 'vitest'
import { bullmqEngine } from '../../src/engines/bullmq/index.ts'
import { engineConformance } from '../../src/testing/index.ts'
import { serverUrl } from '../servers/server-url.ts'
import { interruptibleRedisEngineSpace, mortalRedisSpace } from './redis-space.ts'

const url = await serverUrl('redis')

engineConformance(
  { describe, test },
  {
    name: 'bullmq on redis',
    capabilities: bullmqEngine({ connection: url }).capabilities,
    createSpace: () => mortalRedisSpace(url),
    comesBackWithinMs: 6_000,
    createInterruptibleSpace: interruptibleRedisEngineSpace,
  },
)
