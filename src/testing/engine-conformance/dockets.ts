import { engineScenarios } from '../kit/engine-scenarios.ts'
import type { TestFramework } from '../conformance/index.ts'
import type { EngineConformanceOptions } from './engine-conformance-options.ts'

/** Whatever an engine loses, doubles, reorders and delays: dockets come to the same ends. */
export function docketsConformance({ test }: TestFramework, { createSpace }: EngineConformanceOptions): void {
  for (const [title, run] of Object.entries(engineScenarios))
    test(title, async () => {
      const space = await createSpace()
      try {
        await run(() => space.createEngine())
      } finally {
        await space.dispose?.()
      }
    })
}
