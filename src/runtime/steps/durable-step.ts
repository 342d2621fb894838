import { ExecutionCancelledError, StepTimeoutError } from '../../core/errors.ts'
import type { ErrorPlace } from '../../core/docket-error.ts'
import { AsyncContext } from '../environment/async-context.ts'
import type { FullClock } from '../environment/clock.ts'
import { checkValue } from '../inputs/check-value.ts'
import type { CheckedValue } from '../inputs/check-value.ts'
import { CheckpointsInMemory, noCheckpoints } from './checkpoints.ts'
import type { Begun, Checkpoint, CheckpointChange, Checkpoints, Recorded } from './checkpoints.ts'
import { DurableFunction } from './durable-function.ts'
import { Frame } from './frame.ts'
import type { FrameHost } from './frame.ts'
import { callIntercepted, lateNext } from './intercepted-step.ts'
import { outputError } from './output-error.ts'
import { returnedOf } from './returned-messages.ts'
import type { TakenMessage } from './returned-messages.ts'
import type { StepKind, StepWork, WorkingStep } from './step-work.ts'
import { WorkTimeout } from './work-timeout.ts'
import { isPromise } from '../../core/own-promise.ts'
import { inMicrotask } from '../../core/in-microtask.ts'

/** Steps that are long-lived functions. */
export const durableStep: StepKind<DurableWork> = {
  begin: (step) => new DurableWork(step).begin(),
  close: (work, reason) => work.close(reason),
  moveTo: (work, step) => work.moveTo(step),
}

/** What is on record of a function itself stands beside what its verbs came to. */
const begun = '$begin'
const timeSpent = '$time'

/** How long an attempt has worked, in milliseconds. */
interface Spent {
  readonly attempt: number
  readonly ms: number
}

const kept = new WeakMap<WorkingStep, Checkpoints>()

/** Outside of dockets, what a further attempt is to find is kept as long as the step lives. */
function checkpointsOf(step: WorkingStep): Checkpoints {
  const { checkpoints } = step.execution.setup
  if (checkpoints !== undefined) return checkpoints
  if (step.planStep.spec.maxAttempts === 1) return noCheckpoints
  let own = kept.get(step)
  if (own === undefined) kept.set(step, (own = new CheckpointsInMemory()))
  return own
}

/** One attempt of a durable step: its function, which settles the step once, and the verbs that it calls. */
class DurableWork implements StepWork, FrameHost {
  readonly attempt: number
  isWaiting = false
  #step: WorkingStep
  #isOpen = true
  readonly #checkpoints: Checkpoints
  #generation = 0
  #frame: Frame | undefined
  #function: DurableFunction | undefined
  #inputs: Record<string, unknown>
  readonly #began: number
  /** Whether it is on record that the function has begun. */
  #isBegun = false
  /** What is on record holds no more. */
  #isOutdated = false
  readonly #timeout: WorkTimeout
  /** It goes on elsewhere. */
  #isGivenUp = false
  /** Calls whose functions have not come to an end. */
  #running = 0
  /** What is to go on once there is room; undefined while nothing waits for that. */
  #acts: (() => void)[] | undefined

  constructor(step: WorkingStep) {
    this.attempt = step.attempt
    this.#step = step
    this.#checkpoints = checkpointsOf(step)
    this.#began = step.execution.clock.now()
    this.#inputs = step.inputs
    const { timeoutMs } = step.planStep.spec
    this.#timeout = new WorkTimeout(step.execution, timeoutMs, () => this.#timeOut(timeoutMs!))
    step.current = this
  }

  get place(): ErrorPlace {
    return { ...this.#step.execution.place, step: this.#step.step, attempt: this.attempt }
  }

  get clock(): FullClock {
    return this.#step.execution.clock
  }

  get isOver(): boolean {
    return this.#step.execution.isOver
  }

  get isHeld(): boolean {
    return this.#step.execution.setup.checkpoints?.areHeld?.() !== false
  }

  begin(): void {
    // Made while it is the current one: what wakes the function goes on in it.
    void this.#step.execution.context
    const found = this.#checkpoints.read(this.#step)
    if (!isPromise(found)) {
      this.#run(found)
      return
    }
    const context = new AsyncContext()
    found.then(
      (recorded) => context.run(() => this.#run(recorded)),
      (error: unknown) => this.#fail(error, false),
    )
  }

  close(reason: unknown): void {
    if (!this.#isOpen) return
    this.#end()
    // What goes on elsewhere stands still here: to the function it is as if it had been asleep.
    if (this.#step.execution.released === undefined && this.#frame?.isDead === false) {
      this.#cancel(reason)
      return
    }
    this.#frame?.drop(reason)
    if (this.#function !== undefined) this.#function.children.stop(reason)
    // What an earlier process has begun for it was still being read.
    else if (this.#step.execution.released === undefined) this.#step.execution.endChildren(this.#step.step, reason)
    this.#isGivenUp = true
    // Whoever stops it counts it among what may still run.
    if (this.#running === 0) inMicrotask(() => this.#step.endedLate())
  }

  callBegan(): void {
    this.#running++
  }

  callEnded(): void {
    this.#running--
    if (this.#running === 0 && this.#frame?.isDead === true && this.#isGivenUp) this.#step.endedLate()
  }

  moveTo(step: WorkingStep): void {
    this.#step.current = undefined
    this.#step = step
    step.current = this
  }

  keep(change: Omit<CheckpointChange, 'generation'>): Promise<void> | undefined {
    const checkpoints: Checkpoint[] = [...change.checkpoints]
    if (this.#timeout.hasLimit)
      checkpoints.push(this.#ownCheckpoint(timeSpent, { attempt: this.attempt, ms: this.#timeout.spentMs }))
    if (!this.#isBegun) {
      this.#isBegun = true
      checkpoints.unshift(this.#ownCheckpoint(begun, { key: this.#step.idempotencyKey, inputs: this.#inputs }))
    }
    const dropped = this.#isOutdated ? 'all' : change.dropped
    this.#isOutdated = false
    return this.#checkpoints.write(this.#step, { ...change, generation: this.#generation, checkpoints, dropped })
  }

  failed(error: unknown): void {
    this.#fail(error, false)
  }

  /** The function begins anew once that is on record, and once its children have come to what is said of them, as where it returns. */
  beginAnew(inputs: unknown): void {
    const frame = this.#frame
    const settled = this.#function?.childEnds.settle()
    if (settled === undefined) this.#beginAnew(inputs)
    else void settled.then(() => frame === this.#frame && frame?.isDead === false && this.#beginAnew(inputs))
  }

  #beginAnew(inputs: unknown): void {
    if (!this.#isOpen || this.isOver || this.#frame?.isWhole() !== true) return
    this.#frame.drop(new ExecutionCancelledError(`the durable step "${this.#step.step}" begins anew`, this.place))
    this.#generation++
    this.#inputs = inputs as Record<string, unknown>
    this.#isBegun = true
    this.#timeout.end()
    const start = this.#ownCheckpoint(begun, { key: this.#step.idempotencyKey, inputs })
    // What was taken for the function, and not given to it, comes again.
    const { ungiven, returned } = this.#frame
    const checkpoints = [start, ...returned.left, ...returnedOf(ungiven, `by generation ${this.#generation - 1}`)]
    const change = { generation: this.#generation, checkpoints, dropped: 'all' as const }
    const recorded: Recorded = { generation: this.#generation, checkpoints }
    const goOn = (): void => {
      this.#step.execution.setup.inbox?.renew?.(this.#step.planStep.spec.receives)
      this.clock.setImmediate(() => this.#step.execution.context.run(() => this.#runAnew(recorded)))
    }
    const kept = this.#checkpoints.write(this.#step, change)
    if (kept === undefined) goOn()
    else
      kept.then(goOn, (error: unknown) => {
        this.#frame = undefined
        this.#fail(error, false)
      })
  }

  #runAnew(recorded: Recorded): void {
    if (!this.#isOpen) return
    const { emitter } = this.#step.execution
    if (emitter === undefined) this.#run(recorded)
    else emitter.renewed(this.#step, () => this.#run(recorded))
  }

  waits(dueAt: number | undefined): void {
    if (!this.#isOpen || this.isOver) return
    this.isWaiting = true
    this.#timeout.rest()
    this.#step.waits(dueAt)
    this.#step.execution.leave()
  }

  goOn(act: () => void): void {
    if (!this.isWaiting) {
      act()
      return
    }
    // Nothing goes on after the end, nor while the execution is about to be handed over.
    if (!this.#isOpen || this.isOver) return
    if (this.#acts !== undefined) {
      this.#acts.push(act)
      return
    }
    this.#acts = [act]
    this.#step.wakes(() => {
      const acts = this.#acts ?? []
      this.#acts = undefined
      if (!this.#isOpen || this.isOver) return
      this.isWaiting = false
      this.#step.goesOn()
      this.#timeout.goOn()
      for (const next of acts) next()
    })
  }

  #run(recorded: Recorded | undefined): void {
    if (!this.#isOpen) return
    const step = this.#step
    const { setup } = step.execution
    const known = recorded?.checkpoints.find(({ name }) => name === begun)
    const { key, inputs } = (known?.value ?? {}) as Partial<Begun>
    if (known !== undefined && key !== step.idempotencyKey) {
      // What it did was undone: it is another deed now.
      this.#isOutdated = true
      this.#run(undefined)
      return
    }
    this.#generation = recorded?.generation ?? 0
    this.#isBegun = known !== undefined
    if (inputs !== undefined) this.#inputs = inputs as Record<string, unknown>
    // The limit is that of an attempt.
    const spent = recorded?.checkpoints.find(({ name }) => name === timeSpent)?.value as Partial<Spent> | undefined
    const spentMs = spent?.attempt === this.attempt ? (spent.ms ?? 0) : 0
    const isRecorded = setup.checkpoints !== undefined || step.planStep.spec.maxAttempts > 1
    const frame = (this.#frame = new Frame(this, recorded, known?.at ?? this.#began, isRecorded))
    this.#function = new DurableFunction({
      work: this,
      step,
      frame,
      attempt: this.attempt,
      generation: this.#generation,
    })
    this.#timeout.begin(spentMs)
    let returned: unknown
    try {
      const { interceptors } = step.execution.options
      const made = this.#function
      returned =
        interceptors?.step === undefined
          ? step.planStep.spec.run(this.#inputs, made.context)
          : callIntercepted(
              interceptors.step,
              step,
              this.#inputs,
              made.context,
              (headers) => made.useHeaders(headers),
              () => {
                if (this.#isOpen && frame === this.#frame) return
                const { signal } = made.context
                throw signal.aborted ? signal.reason : lateNext('step', made.context)
              },
            )
    } catch (thrown) {
      if (frame === this.#frame) this.#fail(thrown, false)
      return
    }
    // One that has begun anew since is not heard.
    Promise.resolve(returned).then(
      (value) => {
        if (frame === this.#frame) this.#check(value)
      },
      (thrown: unknown) => {
        if (frame === this.#frame) this.#fail(thrown, false)
      },
    )
  }

  #check(value: unknown): void {
    const checked = checkValue(this.#step.planStep.spec.output, value)
    if (isPromise(checked)) void checked.then((late) => this.#settle(late))
    else this.#settle(checked)
  }

  #settle(checked: CheckedValue): void {
    const { step, planStep } = this.#step
    // What stands still here can't have ended: it goes on elsewhere.
    if (this.#frame?.isDead === true) return
    if (checked.issues !== undefined) {
      const what = `step "${step}" returned a value that does not fit "${planStep.spec.output.name}"`
      this.#fail(outputError(this.#step, what, checked.issues, checked.thrown), false)
    } else if (!this.#isOpen) this.#step.cameLate(checked.value)
    else {
      const { childEnds } = this.#function!
      const frame = this.#frame
      const settled = childEnds.settle()
      if (settled === undefined) this.#complete(checked.value)
      else void settled.then(() => frame === this.#frame && this.#complete(checked.value))
    }
  }

  #complete(value: unknown): void {
    if (this.#frame?.isDead === true) return
    if (!this.#isOpen) this.#step.cameLate(value)
    else if (this.#frame?.isWhole() === true)
      this.goOn(() => {
        this.#endAll()
        this.#step.attemptSucceeded(value)
      })
  }

  #fail(error: unknown, timedOut: boolean): void {
    if (this.#frame?.isDead === true) return
    if (!this.#isOpen) {
      this.#step.endedLate()
      return
    }
    if (!timedOut && this.#step.isHandedOverFor(error)) return
    this.goOn(() => {
      if (!this.#isOpen) return
      const dropped = this.#frame?.namesLeadingTo(error) ?? []
      // A further attempt is not to fail of what is on record, however it begins. Where that can't be written, it does.
      if (dropped.length > 0) this.#drop(dropped, this.#frame?.takenBy(dropped) ?? [])
      if (timedOut) {
        this.#end()
        this.#cancel(error)
      } else this.#endAll()
      const { children } = this.#function ?? {}
      this.#step.attemptFailed(error, timedOut)
      // A further attempt finds its children, and gets updates that this one has left without an answer.
      if (this.#step.hasFailed) children?.stop(error)
      else this.#step.execution.setup.inbox?.renew?.(this.#step.planStep.spec.receives)
    })
  }

  /** Messages that were taken by what holds no more come again. */
  #drop(dropped: readonly string[], taken: readonly TakenMessage[]): void {
    this.keep({ checkpoints: returnedOf(taken, `by attempt ${this.attempt}`), dropped })?.catch(() => {})
  }

  #cancel(reason: unknown): void {
    this.#function?.abort(reason)
    this.#function?.children.stop(reason)
    this.#frame?.cancel(reason)
  }

  #end(): void {
    this.#isOpen = false
    this.#timeout.end()
    this.#step.current = undefined
  }

  /** Calls that the function did not wait for are stopped. */
  #endAll(): void {
    this.#end()
    this.#frame?.drop(new ExecutionCancelledError(`the durable step "${this.#step.step}" has ended`, this.place))
  }

  #timeOut(timeoutMs: number): void {
    this.#fail(new StepTimeoutError(timeoutMs, this.place), true)
  }

  #ownCheckpoint(name: string, value: unknown): Checkpoint {
    const { now } = this.clock
    return {
      name,
      kind: name.slice(1),
      status: 'open',
      order: 0,
      value,
      error: undefined,
      at: name === begun && this.#generation === 0 ? this.#began : now(),
      dueAt: undefined,
    }
  }
}
