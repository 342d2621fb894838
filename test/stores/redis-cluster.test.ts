import { describe, test } from 'vitest'
import { storeConformance } from '../../src/testing/conformance/index.ts'
import { serverUrls } from '../servers/server-url.ts'
import { interruptibleClusterSpace, redisSpace } from './redis-spaces.ts'

const urls = await serverUrls('redis-cluster')

storeConformance(
  { describe, test },
  {
    name: 'redis cluster',
    capabilities: { transactions: false, isShared: true },
    sendsHints: true,
    saysMail: true,
    createSpace: () => redisSpace(urls, true),
    createInterruptibleSpace: interruptibleClusterSpace,
  },
)
