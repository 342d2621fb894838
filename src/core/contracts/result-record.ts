import type { StoredValue } from './stored-value.ts'

/** Whose result it is: columns for people; the key alone identifies a result. */
export interface ResultIdentity {
  /** The graph's name, or the step's `persist.namespace`. */
  readonly namespace: string
  /** The step's name. */
  readonly step: string
  /** The step's version; empty where it has none. */
  readonly version: string
  /** The output type's name. */
  readonly type: string
}

/** Asks for the right to make a result. */
export interface ResultClaim extends ResultIdentity {
  /** The whole identity of the result, its inputs included. */
  readonly key: string
  /** The process that claims. */
  readonly owner: string
  /** When, in milliseconds since the epoch. */
  readonly at: number
}

/** How a claim went, or what `getResults` found. Results past their expiry are never returned. */
export type ResultState =
  | { readonly status: 'completed'; readonly output: StoredValue }
  /** The caller has the right; it names the epoch when it commits. */
  | { readonly status: 'claimed'; readonly epoch: number }
  /** A living owner is at it. */
  | { readonly status: 'running'; readonly epoch: number }
  /** The last claim ended in an error. Returned by `getResults` alone; a claim starts anew. */
  | { readonly status: 'failed'; readonly epoch: number; readonly error: StoredValue | undefined }

/** What became of a claim; it holds only while `owner` and `epoch` are still the claim's. */
export interface ResultCommit {
  /** The key that was claimed. */
  readonly key: string
  /** The owner that claimed it. */
  readonly owner: string
  /** The epoch that the claim got. */
  readonly epoch: number
  /** When, in milliseconds since the epoch. */
  readonly at: number
  /** `released`: nothing was made, and an owner that waits may claim. */
  readonly outcome:
    | { readonly status: 'completed'; readonly output: StoredValue; readonly ttlMs: number | undefined }
    | { readonly status: 'failed'; readonly error: StoredValue | undefined }
    | { readonly status: 'released' }
}
