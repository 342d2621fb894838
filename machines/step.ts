import { setup, type StateValueFrom } from 'xstate'
import { compileMachine, type CompiledMachine } from './compile.ts'
import { fromEffect } from './effect.ts'

/** What is known of one step of one execution. Times are milliseconds of the epoch. */
export interface StepContext {
  /** The step's name. */
  step: string
  /** The current or last attempt; 0 before the first. */
  attempt: number
  /** When its first attempt began. */
  startedAt: number | undefined
  /** When it ended. */
  endedAt: number | undefined
  /** When the next attempt is due, or the wait ends at the latest; set while retrying or waiting, and only then. */
  dueAt: number | undefined
  /** Its value, once completed or cached. */
  output: unknown
  /** The last attempt's error. It stays when a fallback completes the step. */
  error: unknown
}

/** What a step begins with: its name. */
export interface StepInput {
  /** The step's name. */
  readonly step: string
}

/** What a failed attempt leads to: another one at `dueAt`, else the fallback's value, else the end. */
interface Failure {
  /** What the attempt failed with. */
  readonly error: unknown
  /** When, in milliseconds since the epoch. */
  readonly at: number
  /** When the next attempt is due; undefined where there is none. */
  readonly dueAt?: number | undefined
  /** The number of the last attempt that counts, where this one does not. @default it counts */
  readonly attempt?: number | undefined
  /** What takes the result's place; undefined where nothing does. */
  readonly fallback?: { readonly value: unknown } | undefined
}

/** What can happen to a step. `at` is in milliseconds of the epoch. */
export type StepEvent =
  | { readonly type: 'CLAIM'; readonly at: number }
  | { readonly type: 'QUEUE'; readonly at: number }
  | { readonly type: 'START'; readonly attempt: number; readonly at: number }
  | { readonly type: 'WAIT'; readonly at: number; readonly dueAt: number | undefined }
  | { readonly type: 'GO_ON'; readonly at: number }
  | { readonly type: 'HIT'; readonly output: unknown; readonly at: number }
  | { readonly type: 'SUCCEED'; readonly output: unknown; readonly at: number }
  | ({ readonly type: 'FAIL' } & Failure)
  | ({ readonly type: 'TIME_OUT' } & Failure)
  | { readonly type: 'CANCEL'; readonly error: unknown; readonly at: number }
  | { readonly type: 'SKIP'; readonly error: unknown; readonly at: number }

type On<Type extends StepEvent['type']> = Extract<StepEvent, { type: Type }>

/**
 * The life cycle of a step. Only persisted steps are ever `claiming`; `queued` ones want to run but have no slot; `waiting` ones have begun,
 * and wait for a time or for something from outside; some of them work again, and wait again, any number of times.
 */
export const stepMachine = setup({
  types: {} as { context: StepContext; events: StepEvent; input: StepInput; output: unknown },
  actions: {
    queue: fromEffect<StepContext>((context) => {
      context.dueAt = undefined
    }),
    start: fromEffect<StepContext, On<'START'>>((context, event) => {
      context.attempt = event.attempt
      context.startedAt ??= event.at
      context.dueAt = undefined
    }),
    wait: fromEffect<StepContext, On<'WAIT'>>((context, event) => {
      context.dueAt = event.dueAt
    }),
    goOn: fromEffect<StepContext>((context) => {
      context.dueAt = undefined
    }),
    retry: fromEffect<StepContext, On<'FAIL' | 'TIME_OUT'>>((context, event) => {
      context.error = event.error
      context.dueAt = event.dueAt
      if ('attempt' in event && event.attempt !== undefined) context.attempt = event.attempt
    }),
    succeed: fromEffect<StepContext, On<'HIT' | 'SUCCEED'>>((context, event) => {
      context.output = event.output
      context.error = undefined
      context.endedAt = event.at
    }),
    arrive: fromEffect<StepContext, On<'SUCCEED'>>((context, event) => {
      context.output = event.output
      context.error = undefined
      context.dueAt = undefined
      context.endedAt = event.at
    }),
    fallBack: fromEffect<StepContext, On<'FAIL' | 'TIME_OUT'>>((context, event) => {
      context.output = event.fallback?.value
      context.error = event.error
      context.dueAt = undefined
      context.endedAt = event.at
    }),
    fail: fromEffect<StepContext, On<'FAIL' | 'TIME_OUT' | 'CANCEL'>>((context, event) => {
      context.error = event.error
      context.dueAt = undefined
      context.endedAt = event.at
    }),
    skip: fromEffect<StepContext, On<'SKIP'>>((context, event) => {
      context.error = event.error
      context.endedAt = event.at
    }),
  },
  guards: {
    mayRetry: ({ event }) => 'dueAt' in event && event.dueAt !== undefined,
    hasFallback: ({ event }) => 'fallback' in event && event.fallback !== undefined,
  },
}).createMachine({
  id: 'step',
  context: ({ input }) => ({
    step: input.step,
    attempt: 0,
    startedAt: undefined,
    endedAt: undefined,
    dueAt: undefined,
    output: undefined,
    error: undefined,
  }),
  output: ({ context }: { context: StepContext }) => context.output,
  initial: 'pending',
  states: {
    pending: {
      on: {
        CLAIM: 'claiming',
        QUEUE: { target: 'queued', actions: 'queue' },
        START: { target: 'running', actions: 'start' },
        FAIL: [
          { guard: 'hasFallback', target: 'completed', actions: 'fallBack' },
          { target: 'failed', actions: 'fail' },
        ],
        CANCEL: { target: 'cancelled', actions: 'fail' },
        SKIP: { target: 'skipped', actions: 'skip' },
      },
    },
    claiming: {
      on: {
        QUEUE: { target: 'queued', actions: 'queue' },
        START: { target: 'running', actions: 'start' },
        HIT: { target: 'cached', actions: 'succeed' },
        FAIL: [
          { guard: 'hasFallback', target: 'completed', actions: 'fallBack' },
          { target: 'failed', actions: 'fail' },
        ],
        CANCEL: { target: 'cancelled', actions: 'fail' },
      },
    },
    running: {
      on: {
        WAIT: { target: 'waiting', actions: 'wait' },
        SUCCEED: { target: 'completed', actions: 'succeed' },
        FAIL: [
          { guard: 'mayRetry', target: 'retrying', actions: 'retry' },
          { guard: 'hasFallback', target: 'completed', actions: 'fallBack' },
          { target: 'failed', actions: 'fail' },
        ],
        TIME_OUT: [
          { guard: 'mayRetry', target: 'retrying', actions: 'retry' },
          { guard: 'hasFallback', target: 'completed', actions: 'fallBack' },
          { target: 'failed', actions: 'fail' },
        ],
        CANCEL: { target: 'cancelled', actions: 'fail' },
      },
    },
    retrying: {
      on: {
        QUEUE: { target: 'queued', actions: 'queue' },
        START: { target: 'running', actions: 'start' },
        FAIL: [
          { guard: 'hasFallback', target: 'completed', actions: 'fallBack' },
          { target: 'failed', actions: 'fail' },
        ],
        CANCEL: { target: 'cancelled', actions: 'fail' },
      },
    },
    queued: {
      on: {
        START: { target: 'running', actions: 'start' },
        FAIL: [
          { guard: 'hasFallback', target: 'completed', actions: 'fallBack' },
          { target: 'failed', actions: 'fail' },
        ],
        CANCEL: { target: 'cancelled', actions: 'fail' },
      },
    },
    waiting: {
      on: {
        WAIT: { target: 'waiting', actions: 'wait' },
        GO_ON: { target: 'running', actions: 'goOn' },
        SUCCEED: { target: 'completed', actions: 'arrive' },
        FAIL: [
          { guard: 'mayRetry', target: 'retrying', actions: 'retry' },
          { guard: 'hasFallback', target: 'completed', actions: 'fallBack' },
          { target: 'failed', actions: 'fail' },
        ],
        TIME_OUT: [
          { guard: 'mayRetry', target: 'retrying', actions: 'retry' },
          { guard: 'hasFallback', target: 'completed', actions: 'fallBack' },
          { target: 'failed', actions: 'fail' },
        ],
        CANCEL: { target: 'cancelled', actions: 'fail' },
      },
    },
    completed: { type: 'final' },
    cached: { type: 'final' },
    failed: { type: 'final' },
    cancelled: { type: 'final' },
    skipped: { type: 'final' },
  },
})

/** The states of a step. */
export type StepStatus = StateValueFrom<typeof stepMachine>

/** The step machine as tables. */
export const compiledStep: CompiledMachine<StepContext, StepEvent, StepStatus, StepInput> = compileMachine(stepMachine)
