import type { Store, StoreCapabilities } from '../../core/contracts/store.ts'

/** What is needed of a test framework: vitest's and `node:test`'s functions fit. */
export interface TestFramework {
  /** Groups tests under a title. */
  readonly describe: (title: string, declare: () => void) => unknown
  /** Declares a test; `skip` one that the store has no ability for. */
  readonly test: ((title: string, body: () => Promise<void>) => unknown) & {
    readonly skip: (title: string, body: () => Promise<void>) => unknown
  }
}

/** A store to be put to the test. */
export interface StoreConformanceOptions {
  /** Begins the titles of the tests. */
  readonly name: string
  /** What the store says of itself; what it can't do is skipped, by title. */
  readonly capabilities: StoreCapabilities
  /** Whether it has `subscribe`. */
  readonly sendsHints: boolean
  /** Whether it has `sessions`, and its server says which connections are there. @default false */
  readonly watchesSessions?: boolean
  /** Whether its acquisitions say whether there are messages (`hasMail`). @default false: where they do, it has to be right */
  readonly saysMail?: boolean
  /** Whether its hints of messages that it has posted itself say what they are (`posted`). @default false: where they do, it has to be right */
  readonly givesPosted?: boolean
  /** Whether it has `readCheckpoints`. @default true */
  readonly keepsCheckpoints?: boolean
  /** Makes a place for data that is empty and that no other place sees into: a schema, a prefix, a file. Each test has its own. */
  readonly createSpace: () => StoreSpace | Promise<StoreSpace>
  /** The same on a server that can go away and come back. Left out, that is not tested. */
  readonly createInterruptibleSpace?: () => Promise<InterruptibleSpace>
}

/** A place for data. */
export interface StoreSpace {
  /** Makes a client of the data here, not open yet. Called more than once only if the store is shared. */
  createStore(): Store
  /** Moves the store's clock on, where it is injected; else the tests wait. */
  advance?(ms: number): void | Promise<void>
  /** The store's clock. @default Date.now */
  now?(): number
  /**
   * Sets the time of day on, or back, as an administrator does, where it is injected. What leases run out by stays as it is.
   * @default `Date.now` is replaced for a while
   */
  setTimeOfDay?(byMs: number): void
  /** Begins a transaction of the caller's own on the database of the space. Needed where the store takes part in transactions. */
  beginTransaction?(): Promise<StoreTransaction>
  /** Removes the data. */
  dispose?(): Promise<void>
}

/** A transaction that the caller of `create` has begun. */
export interface StoreTransaction {
  /** What `create` is given. */
  readonly client: unknown
  /** What was written in it stays. */
  commit(): Promise<void>
  /** What was written in it is undone. */
  rollback(): Promise<void>
}

/** A place for data that survives while its server is away. */
export interface InterruptibleSpace extends StoreSpace {
  /** The server goes away: connections break, and new ones are refused. */
  goAway(): Promise<void>
  /** The server is there again, with the data that it had. */
  comeBack(): Promise<void>
}
