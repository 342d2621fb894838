import type { TestFramework } from '../conformance/index.ts'
import { consumersConformance } from './consumers.ts'
import { docketsConformance } from './dockets.ts'
import { deliveryConformance } from './delivery.ts'
import { engineGroup } from './engine-bench.ts'
import type { EngineConformanceOptions } from './engine-conformance-options.ts'
import { outagesConformance } from './outages.ts'

/**
 * Declares the tests that every engine passes, one group for each part of the contract; and that dockets come to the right ends with it.
 *
 * ```ts
 * import { engineConformance } from 'docket/testing'
 * import { describe, test } from 'vitest'
 *
 * engineConformance({ describe, test }, {
 *   name: 'mine',
 *   capabilities: { isShared: true, delivers: true, keepsWakes: true, deduplicates: true, countsExactly: true },
 *   createSpace: () => {
 *     const prefix = crypto.randomUUID()
 *     return { createEngine: () => myEngine({ prefix }) }
 *   },
 * })
 * ```
 */
export function engineConformance(framework: TestFramework, options: EngineConformanceOptions): void {
  framework.describe(`${options.name} engine`, () => {
    const group = engineGroup(framework, options)
    framework.describe('wakes', () => deliveryConformance(group))
    framework.describe('consumers', () => consumersConformance(group))
    framework.describe('deaths and outages', () => outagesConformance(framework, group))
    framework.describe('dockets', () => docketsConformance(framework, options))
  })
}
