/**
 * The longest names that a store keeps, in bytes of UTF-8; a character that databases can't hold as it is (NUL, U+0001, `␛`, a lone surrogate)
 * counts as 7. What is longer is refused before anything is written or run. Where a limit is absent, names may have any length; each is at
 * least 100, so that what Docket makes up itself always fits.
 */
export interface StoreLimits {
  /** Ids of executions and batches. */
  readonly executionId?: number | undefined
  /** Names of graphs, and namespaces of results. */
  readonly graph?: number | undefined
  /** Names of steps. */
  readonly step?: number | undefined
  /** Keys of a batch's items. */
  readonly item?: number | undefined
  /** Names of owners: a process's name with a colon and 36 characters after it. */
  readonly owner?: number | undefined
  /** Keys of global results: 43 characters, where no codec's `keyedHash` makes them. */
  readonly resultKey?: number | undefined
  /** Names of types, and versions of types and steps. */
  readonly name?: number | undefined
  /** Ids of messages, and their slots. */
  readonly message?: number | undefined
  /** Names of checkpoints. */
  readonly checkpoint?: number | undefined
  /** Names of queues. */
  readonly queue?: number | undefined
  /** Keys of executions within their queues. */
  readonly key?: number | undefined
}

/** What every store keeps at least. */
export const leastLimit = 100

/** Of stores that keep names of a megabyte too, where packets and memory allow: a name is none any more long before. */
export const generousLimits: StoreLimits = {
  executionId: 65_536,
  graph: 65_536,
  step: 65_536,
  item: 65_536,
  owner: 65_536,
  resultKey: 65_536,
  name: 65_536,
  message: 65_536,
  checkpoint: 65_536,
  queue: 65_536,
  key: 65_536,
}
