import { describe, expect, test } from 'vitest'
import { OptionError } from '../../src/index.ts'
import { engineConformance, hostileEngine } from '../../src/testing/index.ts'
import type { HostileEngineOptions } from '../../src/testing/index.ts'

const kinds: Readonly<Record<string, HostileEngineOptions>> = {
  faithful: {},
  'one that loses all': { drops: 1 },
  'one that doubles, reorders and delays': { doubles: 1, reorders: true, delayMs: 40, seed: 5 },
  'one that does all of it': { drops: 0.3, doubles: 0.3, reorders: true, delayMs: 20, seed: 7 },
}

for (const [name, options] of Object.entries(kinds)) {
  engineConformance(
    { describe, test },
    {
      name,
      capabilities: hostileEngine(options).capabilities,
      createSpace: () => {
        const engine = hostileEngine(options)
        return { createEngine: () => engine }
      },
    },
  )
}

test('a hostile engine refuses what it does not know, all at once', () => {
  expect(() => hostileEngine({ drops: 2 })).toThrow(OptionError)
  expect(() => hostileEngine({ drops: 2, seed: 0.5, lies: true } as never)).toThrow(
    /unknown option "lies".*drops must be a number from 0 to 1, not 2.*seed must be a whole number/,
  )
})
