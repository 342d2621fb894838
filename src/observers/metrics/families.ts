import { metricDefinitions } from './definitions.ts'
import type { MetricKey } from './definitions.ts'
import { Family } from './family.ts'

/** All metrics with their series. */
export type Families = Readonly<Record<MetricKey, Family>>

/** All metrics, without any series yet. */
export function newFamilies(): Families {
  const entries = Object.entries(metricDefinitions).map(([key, definition]) => [key, new Family(definition)])
  return Object.fromEntries(entries) as Families
}
