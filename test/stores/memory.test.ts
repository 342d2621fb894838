import { describe, test } from 'vitest'
import { memoryStore } from '../../stores/memory/index.ts'
import { storeConformance } from '../../src/testing/conformance/index.ts'

storeConformance(
  { describe, test },
  {
    name: 'memory',
    capabilities: { transactions: false, isShared: false },
    sendsHints: true,
    createSpace() {
      let [now, elapsed] = [1_700_000_000_000, 0]
      return {
        createStore: () => memoryStore({ now: () => now, elapsed: () => elapsed }),
        now: () => now,
        advance(ms) {
          now += ms
          elapsed += ms
        },
        setTimeOfDay: (byMs) => void (now += byMs),
      }
    },
  },
)
