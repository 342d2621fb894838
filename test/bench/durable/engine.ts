/** How many steps the chain has that everybody runs. */
export const chainLength = 10

/** Where the servers are that everybody shares. */
export interface Places {
  readonly postgres: string
  readonly redis: string
  readonly mysql: string
  /** For files of one's own. */
  readonly folder: string
}

/** What was written to the disk so far, by whoever writes there. */
export interface Footprint {
  /** What is counted is told by `counts`. */
  readonly writes: number
  readonly bytes: number
}

/** Somebody who runs durable executions, open in a process of its own. */
export interface Engine {
  /** Runs a chain of ten steps that do nothing, each of them persisted, from the call to its result. */
  readonly run: () => Promise<unknown>
  /** Told before so many runs at once begin. */
  readonly expect?: (atOnce: number) => Promise<void>
  readonly footprint?: () => Promise<Footprint>
  readonly close: () => Promise<void>
}

/** The least that anybody must write: no engine, the rows alone. */
export interface RawWriter {
  /** Writes so many rows, in groups of `groupSize`. */
  readonly write: (rows: number) => Promise<unknown>
  readonly footprint: () => Promise<Footprint>
  readonly close: () => Promise<void>
}

/** Rows that go out together in the raw writers: what 50 executions at once come to. */
export const groupSize = 50

let lastNumber = 0

/** A name that nobody had before. */
export function freshName(prefix: string): string {
  return `${prefix}_${process.pid}_${++lastNumber}`
}
