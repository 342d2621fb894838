import type { AnyStep } from './step.ts'

/** One request to another service, which may be sent any number of times. */
export interface RemoteCall {
  /** What the operation is requested to do: the value of its input type. */
  readonly request: unknown
  /** The same however often it is sent: the other service does it once. */
  readonly requestId: string
  /** The execution whose step it is. */
  readonly executionId: string
  /** The step's name. */
  readonly step: string
  /** Index of the batch's item. */
  readonly item: number | undefined
  /** Headers of the execution. */
  readonly headers: Readonly<Record<string, string>>
  /** What the call, or the docket, was given as `app`. */
  readonly app: unknown
  /** Whether a message can reach the execution. */
  readonly mayCallBack: boolean
  /** Aborted when nobody waits for the answer any more. */
  readonly signal: AbortSignal
}

/** What another service says of a request. */
export type RemoteAnswer =
  /** It works on it. */
  | { readonly state: 'running'; readonly token: string }
  | { readonly state: 'completed'; readonly value: unknown }
  /** It came to an end without a value (`outcome`), or can't be requested that. */
  | { readonly state: 'failed'; readonly error: unknown; readonly outcome?: 'failed' | 'cancelled' | undefined }
  /** There was no answer, or none that counts: it is to be called again. */
  | { readonly state: 'unknown'; readonly error: unknown; readonly afterMs?: number | undefined }

/** How a step reaches the service that makes its value. None of these rejects. */
export interface RemoteCalls {
  /** Asks it to begin, or what became of that. */
  start(call: RemoteCall): Promise<RemoteAnswer>
  /** Asks what became of what it has begun. */
  poll(call: RemoteCall, token: string): Promise<RemoteAnswer>
  /** Asks it to give up. True once it has heard that, or knows of nothing to give up; false where that is to be tried again. */
  cancel(call: RemoteCall, token: string | undefined): Promise<boolean>
  /** What a message to the execution says of a request; undefined where it is about another one, or can't be trusted. */
  read(message: unknown, requestId: string): RemoteAnswer | undefined
}

/** A step whose value another service makes, its types forgotten. */
export interface AnyRemoteStep extends AnyStep {
  readonly kind: 'remote'
  /** The operation's name. */
  readonly operation: string
  /** How it is reached. */
  readonly calls: RemoteCalls
  /** How long it is between two questions for what became of it, in milliseconds: first, and at the most. */
  readonly pauses: { readonly first: number; readonly longest: number }
  /** What is wrong with its declaration, in words. */
  readonly problems: readonly string[]
}

/** Whether another service makes a step's value. */
export function isRemoteStep(step: AnyStep): step is AnyRemoteStep {
  return step.kind === 'remote'
}
