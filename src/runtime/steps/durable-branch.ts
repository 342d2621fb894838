import type { Logger } from '../../core/contracts/logger.ts'
import { isName } from '../../core/check-name.ts'
import { checkOptions, describe } from '../../core/check-options.ts'
import { durationMs } from '../../core/duration.ts'
import { OptionError } from '../../core/errors.ts'
import type { ErrorPlace } from '../../core/docket-error.ts'
import type {
  ChildOptions,
  DurableCall,
  DurableChild,
  DurableCallOptions,
  DurableContext,
  DurableKey,
  ReceiveOptions,
} from '../../core/graph/durable-context.ts'
import type { AnyDataType } from '../../core/language/data-type.ts'
import type { AnyGraph } from '../../core/graph/graph-index.ts'
import { givenInputs } from '../inputs/given-inputs.ts'
import type { GivenInputs } from '../inputs/given-inputs.ts'
import type { FunctionChildren } from './function-children.ts'
import { beginPublish } from './publish-verb.ts'
import { beginReceive } from './receive-verb.ts'
import { answerableOf, beginReply } from './reply-verb.ts'
import { isUpdateType } from '../../core/language/update.ts'
import { triesOf } from '../../core/graph/step-spec.ts'
import type { MaybePromise } from '../../core/language/step.ts'
import { FunctionCall } from './call-verb.ts'
import type { CallCounter } from './call-verb.ts'
import { refused, unheard } from './frame.ts'
import type { Frame } from './frame.ts'
import { beginSleep, endOfSleep, timeOf } from './sleep-verb.ts'
import type { WorkingStep } from './step-work.ts'
import type { ChildEnds } from './child-ends.ts'
import { childHandle } from './child-handle.ts'
import type { VerbCall } from './verb.ts'
import { VerbNames } from './verb-names.ts'
import { uuidOf } from '../environment/ids.ts'
import { calledIn, isWithinCall } from '../environment/within-call.ts'
import type { EmitVerdict } from '../../core/contracts/event-record.ts'
import type { AnyEventType } from '../../core/language/event-type.ts'
import { bindMethods } from './bind-methods.ts'
import { beginEmit, beginWaitFor } from './event-verbs.ts'
import {
  anewProblem,
  callProblems,
  caught,
  eventProblems,
  keyProblem,
  nestedProblem,
  onParentEndProblems,
  problemOf,
  repeatedProblem,
  unknownType,
} from './verb-problems.ts'

/** The work that a run of a durable function is part of. */
export interface RunningWork extends CallCounter {
  beginAnew(inputs: unknown): void
}

/** What the contexts of one run of a durable function share. */
export interface FunctionRun {
  /** Counts calls whose functions are under way. */
  readonly work: RunningWork
  readonly step: WorkingStep
  readonly frame: Frame
  readonly attempt: number
  readonly generation: number
  /** Another one in each generation. */
  readonly idempotencyKey: string
  /** A digest that is the same whenever the function runs again, and another one in each generation. */
  derive(what: unknown): string
  readonly children: FunctionChildren
  /** What becomes of children when the function returns. */
  readonly childEnds: ChildEnds
  /** In the place of those of the call, where something has changed them. */
  readonly headers: Readonly<Record<string, string>> | undefined
  /** Aborted when the attempt is cancelled or times out. */
  readonly signal: AbortSignal
}

/** What is on record of the heartbeats of the function itself. */
const heartbeats = '$heartbeat'

/** The context of a durable function, or of a branch of it. */
export class Branch implements DurableContext {
  static {
    bindMethods(this)
  }

  readonly #run: FunctionRun
  readonly #names: VerbNames
  readonly #branches: VerbNames
  #derived = 0
  #log: Logger | undefined

  constructor(run: FunctionRun, names: VerbNames) {
    this.#run = run
    this.#names = names
    this.#branches = new VerbNames(names.prefix)
  }

  get signal(): AbortSignal {
    return this.#run.signal
  }

  get attempt(): number {
    return this.#run.attempt
  }

  get generation(): number {
    return this.#run.generation
  }

  get executionId(): string {
    return this.#run.step.execution.id
  }

  get stepName(): string {
    return this.#run.step.step
  }

  get item(): number | undefined {
    return this.#run.step.execution.item
  }

  get failedItems(): number {
    return this.#run.step.execution.failedItems
  }

  get headers(): Readonly<Record<string, string>> {
    return this.#run.headers ?? this.#run.step.execution.options.headers
  }

  get app(): unknown {
    return this.#run.step.execution.options.app
  }

  get idempotencyKey(): string {
    return this.#run.idempotencyKey
  }

  get log(): Logger {
    return (this.#log ??= this.#run.step.execution.options.logger.child({
      executionId: this.executionId,
      step: this.stepName,
      attempt: this.attempt,
    }))
  }

  get lastHeartbeat(): unknown {
    return this.#run.frame.knownOf(heartbeats)?.value
  }

  step<Value>(
    name: string,
    run: (call: DurableCall) => MaybePromise<Value>,
    options: DurableCallOptions = {},
  ): Promise<Value> {
    const what = `ctx.step ${describe(name)}`
    return this.#verb('step', name, options, callProblems(what, name, run, options), (whole) => (verb, known) => {
      const { step, work } = this.#run
      const tries = { ...triesOf(options.retry), name }
      const request = {
        run: calledIn(this.#run.frame, run),
        tries,
        work,
        timeoutMs: durationMs(options.timeout),
        step: step.step,
        execution: step.execution,
      }
      return new FunctionCall(verb, { ...request, idempotencyKey: () => this.#run.derive(whole) }, known)
    }) as Promise<Value>
  }

  sleep(duration: number | string, options: DurableKey = {}): Promise<void> {
    return this.#sleep('sleep', options, (now) => endOfSleep('ctx.sleep', duration, now, this.#place))
  }

  sleepUntil(at: Date, options: DurableKey = {}): Promise<void> {
    return this.#sleep('sleepUntil', options, () => timeOf('ctx.sleepUntil', at, this.#place))
  }

  branch<Value>(name: string, run: (context: this) => MaybePromise<Value>): Promise<Value> {
    return unheard(this.#branch(name, run))
  }

  async #branch<Value>(name: string, run: (context: this) => MaybePromise<Value>): Promise<Value> {
    const problem = isName(name) ? undefined : `the name of a branch is a non-empty string, not ${describe(name)}`
    const whole = problem === undefined ? this.#branches.next(name, undefined) : undefined
    if (whole === undefined)
      return this.#refuse(
        `ctx.branch ${describe(name)}: ${problem ?? 'branches that are open at the same time must have different names'}`,
      )
    this.#branches.open++
    try {
      return await run(new Branch(this.#run, new VerbNames(`${whole}/`)) as this)
    } finally {
      this.#branches.open--
    }
  }

  receive(types: AnyDataType | readonly AnyDataType[], options: ReceiveOptions = {}): Promise<never> {
    const wanted = Array.isArray(types) ? (types as readonly AnyDataType[]) : [types as AnyDataType]
    const { step } = this.#run
    const names = wanted.map((type) => (type as AnyDataType | undefined)?.name as string)
    const received = step.planStep.spec.receives.map(({ name }) => name)
    const place = this.#place
    const { returned } = this.#run.frame
    let until: number | undefined
    const problem = problemOf('ctx.receive', options, ['key', 'timeout'], ({ timeout }) => {
      if (timeout !== undefined) until = endOfSleep('timeout', timeout, step.execution.clock.now(), place)
      return [
        names.length === 0 && 'name at least one data type',
        ...names.map((name) => !received.includes(name) && unknownType('receive', name, received)),
      ]
    })
    const taken = this.#verb(
      'receive',
      'receive',
      options,
      problem,
      () => (verb, known) => beginReceive(step.execution, verb, known, { types: names, until, place, returned }),
    )
    if (problem !== undefined || !wanted.some(isUpdateType)) return taken as Promise<never>
    return answerableOf(taken, {
      wanted,
      inbox: step.execution.setup.inbox,
      reply: (type, answer) =>
        this.#verb(
          'reply',
          'reply',
          { key: answer.update.name },
          undefined,
          () => (verb) => beginReply(step, verb, type, answer),
        ),
      refuse: (message) => this.#refuse(message),
    })
  }

  start(graph: AnyGraph, target: unknown, inputs: unknown, options: ChildOptions = {}): Promise<never> {
    const { children, childEnds } = this.#run
    let given: GivenInputs | undefined
    const what = `ctx.start ${describe((graph as AnyGraph | undefined)?.name)}`
    const problem =
      problemOf(what, options, ['key', 'onParentEnd'], onParentEndProblems) ??
      caught(() => (given = givenInputs(graph, target as AnyDataType, inputs)))
    if (problem !== undefined) return refused(problem)
    let name: string | undefined
    const started = this.#verb('start', given!.plan.index.firstName, options, undefined, (whole) => {
      name = whole
      children.known(whole)
      return (verb) => children.begin(verb, given!)
    })
    return unheard(
      started.then(() => {
        const child = childHandle({ ...this.#run, names: this.#names }, name!, given!)
        childEnds.add(child, options.onParentEnd ?? 'leave')
        return child
      }),
    ) as Promise<never>
  }

  execute(graph: AnyGraph, target: unknown, inputs: unknown, options: DurableKey = {}): Promise<never> {
    const what = `ctx.execute ${describe((graph as AnyGraph | undefined)?.name)}`
    const problem = problemOf(what, options, ['key'], () => [])
    if (problem !== undefined) return refused(problem)
    const started: Promise<DurableChild<never>> = this.start(graph, target, inputs, options)
    return unheard(started.then((child) => child.result()))
  }

  waitFor(type: unknown, key: string, options: ReceiveOptions = {}): Promise<never> {
    const { step } = this.#run
    const place = this.#place
    let until: number | undefined
    const problem = problemOf('ctx.waitFor', options, ['key', 'timeout'], ({ timeout }) => {
      if (timeout !== undefined) until = endOfSleep('timeout', timeout, step.execution.clock.now(), place)
      return eventProblems(type, key)
    })
    const event = type as AnyEventType
    const own = options.key === undefined ? key : `${key} ${options.key}`
    return this.#verb(
      'waitFor',
      event?.name,
      { key: own },
      problem,
      () => (verb, known) => beginWaitFor(step.execution, verb, known, { type: event, key, until, place }),
    ) as Promise<never>
  }

  emit(type: unknown, key: string, value: unknown): Promise<EmitVerdict> {
    const { step } = this.#run
    const place = this.#place
    const event = type as AnyEventType
    const problem = problemOf('ctx.emit', {}, [], () => eventProblems(type, key))
    return this.#verb(
      'emit',
      event?.name,
      { key },
      problem,
      (whole) => (verb) =>
        beginEmit(step.execution, verb, { type: event, key, value, emission: this.#run.derive(whole), place }),
    ) as Promise<EmitVerdict>
  }

  publish(type: unknown, value: unknown, options: DurableKey = {}): Promise<void> {
    const { step } = this.#run
    const published = step.planStep.spec.publishes
    const name = (type as AnyDataType | undefined)?.name as string
    const own = published.find((one) => one.name === name)
    const problem = problemOf('ctx.publish', options, ['key'], () => [
      own === undefined &&
        unknownType(
          'publishe',
          name,
          published.map((one) => one.name),
        ),
    ])
    return this.#verb(
      'publish',
      name,
      options,
      problem,
      () => (verb) => beginPublish(step, verb, own!, value),
    ) as Promise<void>
  }

  continueAsNew(inputs: unknown): Promise<never> {
    const { frame, work } = this.#run
    if (frame.cancelled !== undefined) return refused(frame.cancelled.reason)
    const problem = isWithinCall(frame)
      ? nestedProblem('continueAsNew')
      : anewProblem(this.#run.step.planStep.spec, inputs)
    if (problem !== undefined) return this.#refuse(problem)
    if (!frame.isDead) work.beginAnew(inputs)
    return new Promise(() => {})
  }

  now(): Date {
    return new Date(this.#run.frame.lastAt)
  }

  random(): number {
    return Number.parseInt(this.#nextDigest().slice(0, 13), 16) / 2 ** 52
  }

  uuid(): string {
    return uuidOf(this.#nextDigest())
  }

  heartbeat(details?: unknown): void {
    this.#run.frame.noteOpen(heartbeats, 'heartbeat', details)
  }

  #sleep(kind: string, options: DurableKey, until: (now: number) => number): Promise<void> {
    const { execution } = this.#run.step
    let end: number
    try {
      checkOptions(`ctx.${kind}`, options, ['key'], ({ key }) => [keyProblem(key)])
      end = until(execution.clock.now())
    } catch (error) {
      return refused(error)
    }
    return this.#verb(
      kind,
      kind,
      options,
      undefined,
      () => (verb, known) => beginSleep(execution, verb, known, end),
    ) as Promise<void>
  }

  #verb(
    kind: string,
    name: string,
    { key }: DurableKey,
    problem: OptionError | undefined,
    begin: (whole: string) => VerbCall['begin'],
  ): Promise<unknown> {
    // A wrong call is one each time: it needs no record.
    if (problem !== undefined) return refused(problem)
    if (isWithinCall(this.#run.frame)) return this.#refuse(nestedProblem(kind))
    const whole = this.#names.next(name, key)
    if (whole === undefined) return this.#refuse(repeatedProblem(kind, name, key))
    return this.#run.frame.call({ kind, name: whole, names: this.#names, begin: begin(whole) })
  }

  #refuse(message: string): Promise<never> {
    return this.#run.frame.refuse(new OptionError(message, this.#place))
  }

  get #place(): ErrorPlace {
    const { step, attempt } = this.#run
    return { ...step.execution.place, step: step.step, attempt }
  }

  #nextDigest(): string {
    return Buffer.from(this.#run.derive([this.#names.prefix, this.#derived++]), 'base64url').toString('hex')
  }
}
