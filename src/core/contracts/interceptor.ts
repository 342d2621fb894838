import type { EmitVerdict } from './event-record.ts'
import type { PostVerdict } from './message.ts'

/**
 * Goes on with a call: to the next interceptor, and at last to what is intercepted. `changes` are fields of the call that differ from now on; left out,
 * nothing does.
 */
export type NextCall<Call, Result> = (changes?: Partial<Call>) => Result

/** An execution or a batch that is about to begin. `next` resolves once it is stored. `inputs`, `items` and `headers` may be changed, where they are given. */
export interface StartIntercepted {
  /** How it came to that: a call of `start`, `execute`, `startBatch`, or an actor; a step of another execution; `docket.retry`; `docket.fork`; a schedule. */
  readonly by: 'call' | 'parent' | 'retry' | 'fork' | 'schedule'
  /** A batch is many items of one graph. */
  readonly kind: 'execution' | 'batch'
  /** Its id: the caller's, else the one that was made for it. */
  readonly executionId: string
  /** The graph's name. */
  readonly graph: string
  /** The name of the type that it makes. */
  readonly target: string
  /** Values by type name, as they were given: of a batch, what is given once for all items. Undefined where it goes on with what is stored. */
  readonly inputs: Readonly<Record<string, unknown>> | undefined
  /** Of a batch, the inputs of each item. */
  readonly items: readonly unknown[] | undefined
  /** Values that the caller has given in the place of steps. */
  readonly overrides: Readonly<Record<string, unknown>> | undefined
  /** What its steps, and those of its children, will see as `ctx.headers`. */
  readonly headers: Readonly<Record<string, string>>
  /** The execution whose step begins it. */
  readonly parent:
    { readonly executionId: string; readonly step: string; readonly item: number | undefined } | undefined
  /** Whether it begins with a transaction of the caller's, if that commits. */
  readonly isInTransaction: boolean
}

/** An attempt of a step whose function is about to be called. `next` gives what the function returns. `inputs` and `headers` may be changed. */
export interface StepIntercepted {
  /** The execution's id. */
  readonly executionId: string
  /** The graph's name. */
  readonly graph: string
  /** The step's name. */
  readonly step: string
  /** Index of the batch's item; undefined outside batches and in steps that run once for the whole batch. */
  readonly item: number | undefined
  /** This try, from 1. */
  readonly attempt: number
  /** Values by the names of the step's ports; of a race, the port that came first and its value. */
  readonly inputs: Readonly<Record<string, unknown>>
  /** What the function sees as `ctx.headers`. */
  readonly headers: Readonly<Record<string, string>>
  /** Aborted when this attempt times out or the execution ends. */
  readonly signal: AbortSignal
  /** What the docket was given as `app`. */
  readonly app: unknown
}

/** What a step did is about to be undone: one attempt of it. `next` resolves when the function has come to its end. `headers` may be changed. */
export interface CompensateIntercepted {
  /** The execution's id. */
  readonly executionId: string
  /** The graph's name. */
  readonly graph: string
  /** The step's name. */
  readonly step: string
  /** Index of the batch's item; undefined outside batches and in steps that run once for the whole batch. */
  readonly item: number | undefined
  /** This try to undo it, from 1. */
  readonly attempt: number
  /** What the step made; undefined where nobody knows what it has done. */
  readonly output: unknown
  /** What the step was given. */
  readonly inputs: Readonly<Record<string, unknown>>
  /** Whether nobody knows what the step has done. */
  readonly isUncertain: boolean
  /** What the execution ends with. */
  readonly reason: unknown
  /** What the function sees as `ctx.headers`. */
  readonly headers: Readonly<Record<string, string>>
  /** What the docket was given as `app`. */
  readonly app: unknown
}

/** A value that is sent to an execution. `next` gives what became of it. `value` may be changed. */
export interface SignalIntercepted {
  /** The execution's id. */
  readonly executionId: string
  /** The graph's name, as far as it is known. */
  readonly graph: string | undefined
  /** The name of the data type. */
  readonly type: string
  /** As it was given. */
  readonly value: unknown
  /** The signal's own id: the caller's, else the one that was made for it. */
  readonly id: string
  /** Index of the batch's item that it is for. */
  readonly item: number | undefined
  /** Whether it comes with the start of the execution. */
  readonly isWithStart: boolean
  /** Whether it is sent with a transaction of the caller's, if that commits. */
  readonly isInTransaction: boolean
}

/** An event that is emitted. `next` gives what became of it. `value` may be changed. */
export interface EmitIntercepted {
  /** The name of the event type. */
  readonly type: string
  /** The event type's scope. */
  readonly scope: string
  /** Under which key. */
  readonly key: string
  /** As it was given. */
  readonly value: unknown
  /** Whether it is emitted with a transaction of the caller's, if that commits. */
  readonly isInTransaction: boolean
}

/** An execution that is about to be cancelled. `next` resolves once that is written. Nothing of it may be changed. */
export interface CancelIntercepted {
  /** The execution's id. */
  readonly executionId: string
  /** Why it is cancelled, as it was given. */
  readonly reason: unknown
  /**
   * What cancels it: a call, or an actor that is stopped; the end of its parent; the end of the caller's own signal, while it is parked. Only what a
   * call cancels may be refused: the others have ended already what it belongs to.
   */
  readonly by: 'call' | 'parent' | 'signal'
}

/** A question to an execution. `next` gives the answer. `input` may be changed. */
export interface QueryIntercepted {
  /** The execution's id. */
  readonly executionId: string
  /** The graph's name. */
  readonly graph: string
  /** The query's name. */
  readonly query: string
  /** What is given with it. */
  readonly input: unknown
}

/** A message that is to be answered. `next` gives the answer. `value` may be changed. */
export interface UpdateIntercepted {
  /** The execution's id. */
  readonly executionId: string
  /** The graph's name, as far as it is known. */
  readonly graph: string | undefined
  /** The update's name. */
  readonly update: string
  /** As it was given. */
  readonly value: unknown
  /** The update's own id: the caller's, else the one that was made for it. */
  readonly id: string
  /** Index of the batch's item that it is for. */
  readonly item: number | undefined
}

/**
 * Stands around what a docket does: each function sees a call before it has any effect, goes on with it by `next`, and sees what comes of it. It may take time,
 * change the fields that may be changed (they are checked as if the caller had given them), or throw: then nothing is stored, and the caller gets what it threw, best
 * a RefusedError. What it throws after `next` has come to its end takes nothing back.
 */
export interface Interceptor {
  /** Executions and batches that begin, whatever begins them: not those that another process goes on with. */
  start?(call: StartIntercepted, next: NextCall<StartIntercepted, Promise<void>>): Promise<void>
  /** Functions of steps, races and durable steps: attempts, not values that are on record. */
  step?(call: StepIntercepted, next: NextCall<StepIntercepted, unknown>): unknown
  /** Values that are sent to executions. */
  signal?(call: SignalIntercepted, next: NextCall<SignalIntercepted, Promise<SignalAnswer>>): Promise<SignalAnswer>
  /** Messages that are to be answered. */
  update?(call: UpdateIntercepted, next: NextCall<UpdateIntercepted, Promise<unknown>>): Promise<unknown>
  /** Questions to executions. */
  query?(call: QueryIntercepted, next: NextCall<QueryIntercepted, Promise<unknown>>): Promise<unknown>
  /** Events that are emitted. */
  emit?(call: EmitIntercepted, next: NextCall<EmitIntercepted, Promise<EmitVerdict>>): Promise<EmitVerdict>
  /** Cancellations. */
  cancel?(call: CancelIntercepted, next: NextCall<CancelIntercepted, Promise<void>>): Promise<void>
  /** Functions that undo what a step did. */
  compensate?(call: CompensateIntercepted, next: NextCall<CompensateIntercepted, Promise<unknown>>): Promise<unknown>
}

/** What became of a signal. */
type SignalAnswer = Exclude<PostVerdict, 'unknown'>

/** The names of what can be intercepted. */
export const interceptedNames = ['start', 'step', 'signal', 'update', 'query', 'emit', 'cancel', 'compensate'] as const

type Hooks = Required<Interceptor>
/** What a hook gets. */
export type InterceptedCall<Hook extends keyof Interceptor> = Parameters<Hooks[Hook]>[0]
/** What it gives. */
export type InterceptedResult<Hook extends keyof Interceptor> = ReturnType<Hooks[Hook]>

/** Lets a call pass all interceptors of one hook, and at last to what is intercepted. */
export type InterceptorChain<Hook extends keyof Interceptor> = (
  call: InterceptedCall<Hook>,
  last: (call: InterceptedCall<Hook>) => InterceptedResult<Hook>,
) => InterceptedResult<Hook>

/** By hook; undefined where no interceptor has it. */
export type InterceptorChains = { readonly [Hook in keyof Interceptor]: InterceptorChain<Hook> | undefined }
