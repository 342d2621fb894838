import { setup, type StateValueFrom } from 'xstate'
import { compileMachine, type CompiledMachine } from './compile.ts'
import { fromEffect } from './effect.ts'
import type { ReleaseCause } from './execution.ts'

/** What is known of one batch as a whole. Times are milliseconds of the epoch. */
export interface BatchContext {
  /** The batch's id. */
  executionId: string
  /** The target type's name. */
  target: string
  /** Items; unknown until the last has been read, where they come from an iterable. */
  total: number | undefined
  /** Items that have begun. */
  started: number
  /** Items that have completed. */
  succeeded: number
  /** Items that have failed. */
  failed: number
  /** When it began. */
  startedAt: number | undefined
  /** When it ended; never, where it was released. */
  endedAt: number | undefined
  /** What ended the batch. Its items keep their own. */
  error: unknown
}

/** What a batch begins with; `total` is left out where the items come from an iterable. */
export interface BatchInput {
  /** The batch's id. */
  readonly executionId: string
  /** The target type's name. */
  readonly target: string
  /** Items. @default unknown until `CLOSE` */
  readonly total?: number | undefined
}

/** What can happen to a batch. `at` is in milliseconds of the epoch. */
export type BatchEvent =
  | { readonly type: 'START'; readonly at: number }
  | { readonly type: 'ITEM_START' }
  | { readonly type: 'ITEM_SUCCEED' }
  | { readonly type: 'ITEM_FAIL'; readonly error: unknown }
  | { readonly type: 'CLOSE'; readonly total: number }
  | { readonly type: 'SUCCEED'; readonly at: number }
  | { readonly type: 'COMPENSATE'; readonly error: unknown; readonly at: number }
  | { readonly type: 'FAIL'; readonly error: unknown; readonly at: number }
  | { readonly type: 'TIME_OUT'; readonly error: unknown; readonly at: number }
  | { readonly type: 'CANCEL'; readonly error: unknown; readonly at: number }
  | { readonly type: 'RELEASE'; readonly error: unknown; readonly cause: ReleaseCause; readonly at: number }

type On<Type extends BatchEvent['type']> = Extract<BatchEvent, { type: Type }>

/** The life cycle of a batch in one process: one that is `released` goes on elsewhere. It counts its items; whether a failed one ends the batch is the runtime's to say. */
export const batchMachine = setup({
  types: {} as { context: BatchContext; events: BatchEvent; input: BatchInput },
  actions: {
    start: fromEffect<BatchContext, On<'START'>>((context, event) => {
      context.startedAt = event.at
    }),
    itemStart: fromEffect<BatchContext>((context) => {
      context.started++
    }),
    itemSucceed: fromEffect<BatchContext>((context) => {
      context.succeeded++
    }),
    itemFail: fromEffect<BatchContext>((context) => {
      context.failed++
    }),
    close: fromEffect<BatchContext, On<'CLOSE'>>((context, event) => {
      context.total = event.total
    }),
    succeed: fromEffect<BatchContext, On<'SUCCEED'>>((context, event) => {
      context.endedAt = event.at
    }),
    compensate: fromEffect<BatchContext, On<'COMPENSATE'>>((context, event) => {
      context.error = event.error
    }),
    fail: fromEffect<BatchContext, On<'FAIL' | 'TIME_OUT' | 'CANCEL'>>((context, event) => {
      context.error = event.error
      context.endedAt = event.at
    }),
    release: fromEffect<BatchContext, On<'RELEASE'>>((context, event) => {
      context.error = event.error
    }),
  },
}).createMachine({
  id: 'batch',
  context: ({ input }) => ({
    executionId: input.executionId,
    target: input.target,
    total: input.total,
    started: 0,
    succeeded: 0,
    failed: 0,
    startedAt: undefined,
    endedAt: undefined,
    error: undefined,
  }),
  initial: 'pending',
  states: {
    pending: {
      on: {
        START: { target: 'running', actions: 'start' },
        FAIL: { target: 'failed', actions: 'fail' },
        CANCEL: { target: 'cancelled', actions: 'fail' },
        RELEASE: { target: 'released', actions: 'release' },
      },
    },
    running: {
      on: {
        ITEM_START: { actions: 'itemStart' },
        ITEM_SUCCEED: { actions: 'itemSucceed' },
        ITEM_FAIL: { actions: 'itemFail' },
        CLOSE: { actions: 'close' },
        SUCCEED: { target: 'completed', actions: 'succeed' },
        COMPENSATE: { target: 'compensating', actions: 'compensate' },
        FAIL: { target: 'failed', actions: 'fail' },
        TIME_OUT: { target: 'failed', actions: 'fail' },
        CANCEL: { target: 'cancelled', actions: 'fail' },
        RELEASE: { target: 'released', actions: 'release' },
      },
    },
    compensating: {
      on: {
        FAIL: { target: 'failed', actions: 'fail' },
        TIME_OUT: { target: 'failed', actions: 'fail' },
        CANCEL: { target: 'cancelled', actions: 'fail' },
        RELEASE: { target: 'released', actions: 'release' },
      },
    },
    completed: { type: 'final' },
    failed: { type: 'final' },
    cancelled: { type: 'final' },
    released: { type: 'final' },
  },
})

/** The states of a batch. */
export type BatchStatus = StateValueFrom<typeof batchMachine>

/** The batch machine as tables. */
export const compiledBatch: CompiledMachine<BatchContext, BatchEvent, BatchStatus, BatchInput> =
  compileMachine(batchMachine)
