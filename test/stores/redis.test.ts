import { describe, test } from 'vitest'
import { storeConformance } from '../../src/testing/conformance/index.ts'
import { serverUrl } from '../servers/server-url.ts'
import { interruptibleRedisSpace, redisSpace } from './redis-spaces.ts'

const url = await serverUrl('redis')

storeConformance(
  { describe, test },
  {
    name: 'redis',
    capabilities: { transactions: false, isShared: true, isServer: true },
    sendsHints: true,
    saysMail: true,
    watchesSessions: true,
    createSpace: () => redisSpace([url], false),
    createInterruptibleSpace: interruptibleRedisSpace,
  },
)
