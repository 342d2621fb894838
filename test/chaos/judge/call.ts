export const operations = [
  'start',
  'execute',
  'result',
  'details',
  'cancel',
  'retry',
  'fork',
  'delete',
  'purge',
  'list',
] as const
export type Operation = (typeof operations)[number]

/** What a worker is to call. */
export interface Call {
  readonly call: number
  readonly operation: Operation
  /** The execution that it is about; empty for `purge` and `list`. */
  readonly execution: string
  readonly graph: string
  readonly leaves: Readonly<Record<string, number>>
  /** Of a fork: the step that runs again, and the new execution. */
  readonly from?: string
  readonly newId?: string
}

/** What a caller got. */
export type Answer =
  | { readonly type: 'value'; readonly tag: string; readonly n: number }
  /** It was done: `start`, `cancel`, `retry`, `fork`. */
  | { readonly type: 'done' }
  /** There is no such execution: `get` has none, or `delete` was false. */
  | { readonly type: 'none' }
  /** `delete` was true. */
  | { readonly type: 'deleted' }
  | { readonly type: 'status'; readonly status: string }
  | { readonly type: 'count'; readonly count: number }
  | { readonly type: 'list'; readonly executions: readonly (readonly [id: string, status: string])[] }
  | { readonly type: 'error'; readonly code: string; readonly message: string; readonly isClosing: boolean }
