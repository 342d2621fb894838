import { describe, test } from 'vitest'
import { bullmqEngine } from '../../src/engines/bullmq/index.ts'
import { engineConformance } from '../../src/testing/index.ts'
import { serverUrls } from '../servers/server-url.ts'
import { redisEngineSpace } from './redis-space.ts'

const urls = await serverUrls('redis-cluster')

engineConformance(
  { describe, test },
  {
    name: 'bullmq on a redis cluster',
    capabilities: bullmqEngine({ cluster: [...urls] }).capabilities,
    createSpace: () => redisEngineSpace(urls, true),
  },
)
