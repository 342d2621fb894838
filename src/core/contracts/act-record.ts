/** Something that a person, or a program for them, does to executions, queues or schedules: written down before it is done. */
export interface ActRecord {
  /** Unique within the store. */
  readonly id: string
  /** When, in milliseconds since the epoch, by the store's clock where it has one. */
  readonly at: number
  /** The person, or the program, that did it, under the name by which they are known there. */
  readonly by: string
  /** What was done: `cancel`, `retry`, `pauseQueue`, … */
  readonly act: string
  /** The execution that it was done to; undefined where it was something else. */
  readonly execution: string | undefined
  /** Anything else that is to be known of it. */
  readonly note: string | undefined
}

/** Which acts to list, the newest first. */
export interface ActQuery {
  /** Those on this execution, whether it is there or not: by an index of their own. @default all */
  readonly execution?: string | undefined
  /** The last act of the page before: only what comes after it. @default the first page */
  readonly after?: Pick<ActRecord, 'at' | 'id'> | undefined
  /** How many at most. */
  readonly limit: number
}

/** Keeps what people do. The rows are nobody's: they stay when their execution is deleted. */
export interface ActStore {
  /** Writes acts; one whose id is there already stays as it is. */
  addActs(acts: readonly ActRecord[]): Promise<void>
  /** Acts by `at`, the newest first, then by id, in an order of the store's choice that is the same for every page. */
  listActs(query: ActQuery): Promise<readonly ActRecord[]>
  /** Deletes up to `limit` acts that are from before a time. @returns how many */
  purgeActs(before: number, limit: number): Promise<number>
}
