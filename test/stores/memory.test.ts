import { describe, test } from 'vitest'
import { memoryStore } from '../../stores/memory/index.ts'
import { storeConformance } from '../../src/testing/conformance/index.ts'

storeConformance(
  { describe, test },
  {
    name: 'memory',
    capabilities: { transactions: false, isShared: false },
    tellsHints: true,
    createSpace() {
      let now = 1_700_000_000_000
      return {
        createStore: () => memoryStore({ now: () => now }),
        now: () => now,
        advance: (ms) => void (now += ms),
      }
    },
  },
)
