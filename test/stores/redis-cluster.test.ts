import { describe, test } from 'vitest'
import { storeConformance } from '../../src/testing/conformance/index.ts'
import { serverUrls } from '../servers/server-url.ts'
import { interruptibleClusterSpace, redisSpace } from './redis-spaces.ts'

const urls = await serverUrls('redis-cluster')

/** What has nothing to do with where a key is: one Redis shows it, and for long names at a sixth of the cost. */
const shownByOne = new Set(['limits of names', 'values', 'times and numbers'])

storeConformance(
  { describe: (title, declare) => (shownByOne.has(title) ? undefined : describe(title, declare)), test },
  {
    name: 'redis cluster',
    capabilities: { transactions: false, isShared: true, isServer: true },
    sendsHints: true,
    saysMail: true,
    createSpace: () => redisSpace(urls, true),
    createInterruptibleSpace: interruptibleClusterSpace,
  },
)
