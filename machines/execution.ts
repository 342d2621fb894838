import { setup, type StateValueFrom } from 'xstate'
import { compileMachine, type CompiledMachine } from './compile.ts'
import { fromEffect } from './effect.ts'

/** What is known of one execution as a whole. Times are milliseconds of the epoch. */
export interface ExecutionContext {
  /** The execution's id. */
  executionId: string
  /** The target type's name. */
  target: string
  /** Steps of the plan. */
  total: number
  /** Steps that have ended, however they did. */
  settled: number
  /** When it began. */
  startedAt: number | undefined
  /** When it ended; never, where it was released. */
  endedAt: number | undefined
  /** The target's value, once completed. */
  output: unknown
  /** What it failed with, was cancelled by, or was released for. */
  error: unknown
}

/** What an execution begins with; `total` counts the steps of its plan. */
export interface ExecutionInput {
  /** The execution's id. */
  readonly executionId: string
  /** The target type's name. */
  readonly target: string
  /** Steps of the plan. */
  readonly total: number
}

/** Why an execution is given up that has not ended. */
export type ReleaseCause = 'close' | 'lease-lost' | 'detach' | 'park'

/** What can happen to an execution. `at` is in milliseconds of the epoch. */
export type ExecutionEvent =
  | { readonly type: 'START'; readonly at: number }
  | { readonly type: 'PROGRESS'; readonly settled: number }
  | { readonly type: 'WAIT'; readonly at: number }
  | { readonly type: 'GO_ON'; readonly at: number }
  | { readonly type: 'SUCCEED'; readonly output: unknown; readonly at: number }
  | { readonly type: 'COMPENSATE'; readonly error: unknown; readonly at: number }
  | { readonly type: 'FAIL'; readonly error: unknown; readonly at: number }
  | { readonly type: 'TIME_OUT'; readonly error: unknown; readonly at: number }
  | { readonly type: 'CANCEL'; readonly error: unknown; readonly at: number }
  | { readonly type: 'RELEASE'; readonly error: unknown; readonly cause: ReleaseCause; readonly at: number }

type On<Type extends ExecutionEvent['type']> = Extract<ExecutionEvent, { type: Type }>

/**
 * The life cycle of an execution in one process. One with bad input fails without having started; one is `waiting` while every
 * step that has begun waits for a time or for something from outside; one that is `compensating` will fail or be cancelled, once what its steps did is undone; one that is `released` has not ended, and goes on elsewhere.
 */
export const executionMachine = setup({
  types: {} as { context: ExecutionContext; events: ExecutionEvent; input: ExecutionInput; output: unknown },
  actions: {
    start: fromEffect<ExecutionContext, On<'START'>>((context, event) => {
      context.startedAt = event.at
    }),
    progress: fromEffect<ExecutionContext, On<'PROGRESS'>>((context, event) => {
      context.settled = event.settled
    }),
    succeed: fromEffect<ExecutionContext, On<'SUCCEED'>>((context, event) => {
      context.output = event.output
      context.endedAt = event.at
    }),
    compensate: fromEffect<ExecutionContext, On<'COMPENSATE'>>((context, event) => {
      context.error = event.error
    }),
    fail: fromEffect<ExecutionContext, On<'FAIL' | 'TIME_OUT' | 'CANCEL'>>((context, event) => {
      context.error = event.error
      context.endedAt = event.at
    }),
    release: fromEffect<ExecutionContext, On<'RELEASE'>>((context, event) => {
      context.error = event.error
    }),
  },
}).createMachine({
  id: 'execution',
  context: ({ input }) => ({
    executionId: input.executionId,
    target: input.target,
    total: input.total,
    settled: 0,
    startedAt: undefined,
    endedAt: undefined,
    output: undefined,
    error: undefined,
  }),
  output: ({ context }: { context: ExecutionContext }) => context.output,
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
        PROGRESS: { actions: 'progress' },
        WAIT: 'waiting',
        SUCCEED: { target: 'completed', actions: 'succeed' },
        COMPENSATE: { target: 'compensating', actions: 'compensate' },
        FAIL: { target: 'failed', actions: 'fail' },
        TIME_OUT: { target: 'failed', actions: 'fail' },
        CANCEL: { target: 'cancelled', actions: 'fail' },
        RELEASE: { target: 'released', actions: 'release' },
      },
    },
    waiting: {
      on: {
        PROGRESS: { actions: 'progress' },
        GO_ON: 'running',
        COMPENSATE: { target: 'compensating', actions: 'compensate' },
        FAIL: { target: 'failed', actions: 'fail' },
        TIME_OUT: { target: 'failed', actions: 'fail' },
        CANCEL: { target: 'cancelled', actions: 'fail' },
        RELEASE: { target: 'released', actions: 'release' },
      },
    },
    compensating: {
      on: {
        PROGRESS: { actions: 'progress' },
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

/** The states of an execution. */
export type ExecutionStatus = StateValueFrom<typeof executionMachine>

/** The execution machine as tables. */
export const compiledExecution: CompiledMachine<ExecutionContext, ExecutionEvent, ExecutionStatus, ExecutionInput> =
  compileMachine(executionMachine)
