import type { StoreLimits } from '../../src/core/contracts/store-limits.ts'

/**
 * An entry of an index takes 2,704 bytes, a third of a page. The longest ones have an execution's id, a step and an item (that took 2,640 bytes of
 * names, with their lengths), or an owner, a graph, a time and an id. That texts which repeat themselves are compressed there is not counted on.
 */
export const postgresLimits: StoreLimits = {
  executionId: 1_000,
  graph: 600,
  step: 600,
  item: 1_000,
  owner: 600,
  resultKey: 2_000,
  name: 65_536,
}
