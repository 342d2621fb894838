import { DocketClosedError, LeaseLostError } from '../../core/errors.ts'
import type { StepTimeoutError } from '../../core/errors.ts'
import type { AnyRemoteStep, RemoteAnswer, RemoteCall } from '../../core/language/remote-step.ts'
import { sleep } from '../environment/clock.ts'
import { fireAt } from '../environment/timers.ts'
import type { Timer } from '../environment/timers.ts'
import { checkValue } from '../inputs/check-value.ts'
import type { CheckedValue } from '../inputs/check-value.ts'
import { outputError } from './output-error.ts'
import { remoteStateOf } from './remote-state.ts'
import type { RemoteState } from './remote-state.ts'
import type { StepKind, StepWork, WorkingStep } from './step-work.ts'
import { limitOfWork } from './work-limit.ts'
import { isPromise } from '../../core/own-promise.ts'
import { inMicrotask } from '../../core/in-microtask.ts'

/** Steps whose value another service makes. */
export const remoteStep: StepKind<RemoteWork> = {
  begin: (step) => new RemoteWork(step).begin(),
  close: (work, reason) => work.close(reason),
  moveTo: (work, step) => work.moveTo(step),
  stateOf: (work) => work.state,
  abandon: (step) => {
    const state = remoteStateOf(step.heldState)
    if (state !== undefined) passCancel(step, state)
  },
}

const firstRetryMs = 500
// How long a cancellation may take to be passed on, and the pauses between two tries.
const cancelPausesMs = [200, 500, 1_000, 2_000, 4_000]

/**
 * A request to another service as the work of a step. That it is going to be made is on record before it is made, and the same request is made again after a
 * death. Its outcome is an answer, or a message that may come at any time, before the first answer too; whichever is first counts.
 */
class RemoteWork implements StepWork {
  readonly attempt: number
  isWaiting = false
  #step: WorkingStep
  #isOpen = true
  #state: RemoteState
  /** It was tried before, and has ended: what that request came to is looked at first. */
  #isFirstLook: boolean
  /** The same, as long as the request of that time is what it waits for: that may be on its way to be cancelled. */
  #isOldRequest: boolean
  /** What it is at is on its way to where it is kept, or a call is under way. */
  #isBusy = false
  readonly #controller = new AbortController()
  #alarm: Timer | undefined
  #limit: Timer | undefined
  #unlisten: (() => void) | undefined
  /** Those of the execution, and where its trace goes on: from the attempt, in whose context it begins. */
  #headers: Readonly<Record<string, string>> | undefined

  constructor(step: WorkingStep) {
    this.attempt = step.attempt
    this.#step = step
    const held = remoteStateOf(step.heldState)
    const isAnew = held !== undefined && !step.isRepeated
    this.#isFirstLook = this.#isOldRequest = isAnew
    const { request, token } = held ?? { request: 1, token: undefined }
    const { operation } = this.#declared
    this.#state = held !== undefined && !isAnew ? held : { operation, request, token, polls: 0, nextAt: 0 }
    step.current = this
  }

  /** Where it could go on. */
  get state(): RemoteState {
    return this.#state
  }

  begin(): void {
    const { execution, heldState, isRepeated } = this.#step
    // Made while it is the current one: timers and messages go on in it.
    void execution.context
    this.#headers = execution.emitter?.outgoing(execution.options.headers)
    this.#unlisten = execution.setup.inbox?.onMessage(() => this.#inContext(() => this.#goOn()))
    this.#limit = limitOfWork(this.#step, (error) => this.#timeOut(error))
    if (heldState === undefined || !isRepeated) this.#keep(undefined)
    else this.#goOn()
  }

  close(reason: unknown): void {
    const step = this.#step
    const hadEnded = !this.#isOpen
    if (hadEnded && step.current !== this) return
    this.#leave(reason)
    const goesOnElsewhere =
      step.execution.released !== undefined || reason instanceof LeaseLostError || reason instanceof DocketClosedError
    if (!hadEnded && !goesOnElsewhere) passCancel(step, this.#state)
    // Nothing comes of it any more, also of an answer that is not passed on yet; and nobody knows what has been done of it so far.
    step.endedLate()
  }

  moveTo(step: WorkingStep): void {
    this.#step.current = undefined
    this.#step = step
    step.current = this
  }

  get #declared(): AnyRemoteStep {
    return this.#step.planStep.spec.step as AnyRemoteStep
  }

  /** Looks at what has come, and asks where it is time to. */
  #goOn(): void {
    if (!this.#isOpen || this.#step.execution.isOver) return
    const come = this.#takeMessage()
    if (come !== undefined) return this.#settleBy(come)
    if (this.#isBusy) return
    const leftMs = this.#state.nextAt - this.#step.execution.clock.now()
    if (leftMs <= 0) this.#ask()
    else this.#rest()
  }

  /** The outcome that a message brings; others are of no use to anybody. */
  #takeMessage(): RemoteAnswer | undefined {
    const { inbox } = this.#step.execution.setup
    const types = this.#step.planStep.spec.receives.map(({ name }) => name)
    for (;;) {
      const received = types.length === 0 ? undefined : inbox?.next(types)
      if (received === undefined) return undefined
      const answer = this.#declared.calls.read(received.value, requestIdOf(this.#step, this.#state))
      if (answer === undefined) received.skip()
      else {
        received.take()
        return answer
      }
    }
  }

  #ask(): void {
    const { token } = this.#state
    if (this.isWaiting) {
      this.isWaiting = false
      this.#step.goesOn()
      // Whoever observes it may have ended it.
      if (!this.#isOpen) return
    }
    this.#isBusy = true
    const { calls } = this.#declared
    const call = callOf(this.#step, this.#state, this.#controller.signal, this.#headers)
    const answering = token === undefined ? calls.start(call) : calls.poll(call, token)
    void answering
      .catch((error: unknown): RemoteAnswer => ({ state: 'failed', error }))
      .then((answer) => {
        if (this.#isOpen) this.#inContext(() => this.#answered(answer))
      })
  }

  #answered(answer: RemoteAnswer): void {
    this.#isBusy = false
    if (!this.#isOpen || this.#step.execution.isOver) return
    // What a message says was first where both are there.
    const come = this.#takeMessage()
    if (come !== undefined) this.#settleBy(come)
    else if (answer.state === 'failed' && this.#isOutdated(answer.outcome)) this.#requestAnew()
    else if (answer.state === 'completed' || answer.state === 'failed') this.#settleBy(answer)
    else {
      if (answer.state === 'unknown') this.#report(answer.error)
      else this.#isFirstLook = false
      const token = answer.state === 'running' ? answer.token : this.#state.token
      const isFirst = token !== this.#state.token
      const polls = isFirst ? 0 : this.#state.polls + 1
      const pauseMs = Math.max(
        this.#pauseMs(polls, answer.state),
        answer.state === 'unknown' ? (answer.afterMs ?? 0) : 0,
      )
      this.#state = { ...this.#state, token, polls, nextAt: this.#step.execution.clock.now() + Math.ceil(pauseMs) }
      this.#keep({ dueAt: this.#state.nextAt })
    }
  }

  /** Whether that is how an earlier attempt has ended. */
  #isOutdated(outcome: 'failed' | 'cancelled' | undefined): boolean {
    return (outcome !== undefined && this.#isFirstLook) || (outcome === 'cancelled' && this.#isOldRequest)
  }

  /** What was requested before has failed; this attempt asks for it once more. */
  #requestAnew(): void {
    this.#isFirstLook = this.#isOldRequest = false
    this.#state = { ...this.#state, request: this.#state.request + 1, token: undefined, polls: 0, nextAt: 0 }
    this.#keep(undefined)
  }

  /** Longer each time, and never the same for all that wait for one service. */
  #pauseMs(polls: number, state: 'running' | 'unknown'): number {
    const { pauses } = this.#declared
    const { longest } = pauses
    // It may never have heard of the request.
    const first = state === 'unknown' ? Math.min(pauses.first, firstRetryMs) : pauses.first
    const { random } = this.#step.execution.options
    return Math.min(longest, first * 2 ** Math.min(polls, 30)) * (0.9 + 0.2 * random())
  }

  /** Keeps what it is at, where that is kept, and goes on then. */
  #keep(waitsUntil: { readonly dueAt: number } | undefined): void {
    const step = this.#step
    if (!step.keepsState) {
      this.#goOn()
      return
    }
    this.#isBusy = true
    const goOn = (act: () => void): void => {
      this.#isBusy = false
      if (this.#isOpen) this.#inContext(act)
    }
    step.keepState(this.#state, waitsUntil).then(
      () => goOn(() => this.#goOn()),
      (error: unknown) => goOn(() => this.#end(error, false)),
    )
  }

  #rest(): void {
    const step = this.#step
    const { nextAt } = this.#state
    this.#alarm?.cancel()
    this.#alarm = fireAt(step.execution.clock, nextAt, () => this.#inContext(() => this.#goOn()))
    if (this.isWaiting) return
    this.isWaiting = true
    step.waits(nextAt)
    step.execution.leave()
  }

  #settleBy(answer: RemoteAnswer): void {
    if (answer.state === 'failed') this.#end(answer.error, false)
    if (answer.state !== 'completed') return
    const checked = checkValue(this.#step.planStep.spec.output, answer.value)
    this.#leave(undefined, true)
    if (isPromise(checked)) void checked.then((late) => this.#inContext(() => this.#settle(late)))
    else this.#settle(checked)
  }

  #settle(checked: CheckedValue): void {
    const step = this.#step
    if (checked.issues === undefined) return this.#wake(() => step.attemptSucceeded(checked.value))
    const what = `"${this.#declared.operation}" answered step "${step.step}" with a value that does not fit "${step.planStep.spec.output.name}"`
    this.#end(outputError(step, what, checked.issues, checked.thrown), false)
  }

  #end(error: unknown, timedOut: boolean): void {
    const step = this.#step
    if (!timedOut && step.isHandedOverFor(error)) return
    this.#leave(error, true)
    if (timedOut) passCancel(step, this.#state)
    this.#wake(() => {
      step.attemptFailed(error, timedOut)
      // Nothing of it runs on here.
      if (timedOut) inMicrotask(() => step.endedLate())
    })
  }

  /** Goes on once there is room for what follows. */
  #wake(goOn: () => void): void {
    const step = this.#step
    if (step.execution.isOver) return
    step.wakes(() => {
      if (step.current !== this || step.execution.isOver) return
      step.current = undefined
      goOn()
    })
  }

  /** Nothing comes of it from now on; `isEnding`: what it came to is still to be passed on. */
  #leave(reason: unknown, isEnding = false): void {
    this.#isOpen = false
    this.#alarm?.cancel()
    this.#limit?.cancel()
    this.#unlisten?.()
    this.#controller.abort(reason)
    if (!isEnding) this.#step.current = undefined
  }

  #timeOut(error: StepTimeoutError): void {
    this.#inContext(() => this.#isOpen && this.#end(error, true))
  }

  #report(error: unknown): void {
    const { execution, step } = this.#step
    const text = error instanceof Error ? error.message : String(error)
    execution.options.logger
      .child({ executionId: execution.id, step, attempt: this.attempt })
      .warn({}, `"${this.#declared.operation}" of another service gave no answer, and is called again: ${text}`)
  }

  #inContext(act: () => void): void {
    this.#step.execution.context.run(act)
  }
}

/** What was undone is another deed, and has another key. */
function requestIdOf({ idempotencyKey }: WorkingStep, { request }: RemoteState): string {
  return request === 1 ? idempotencyKey : `${idempotencyKey}.${request}`
}

function callOf(
  step: WorkingStep,
  state: RemoteState,
  signal: AbortSignal,
  headers: RemoteCall['headers'] = step.execution.options.headers,
): RemoteCall {
  const { execution, planStep, inputs, keepsState } = step
  const { id, item, options } = execution
  return {
    request: inputs[planStep.spec.ports[0]!.name],
    requestId: requestIdOf(step, state),
    executionId: id,
    step: step.step,
    item,
    headers,
    app: options.app,
    mayCallBack: keepsState,
    signal,
  }
}

/** Asks the other service to give up, a few times; the execution's end is written after that. */
function passCancel(step: WorkingStep, state: RemoteState): void {
  const { execution } = step
  const { calls } = step.planStep.spec.step as AnyRemoteStep
  const call = callOf(step, state, new AbortController().signal)
  const pass = async (): Promise<void> => {
    for (const pauseMs of [...cancelPausesMs, undefined]) {
      if (await calls.cancel(call, state.token).catch(() => false)) return
      if (pauseMs !== undefined) await sleep(execution.clock, pauseMs)
    }
    execution.options.logger
      .child({ executionId: execution.id, step: step.step })
      .warn({}, 'another service could not be notified that its work is cancelled: it may go on')
  }
  if (step.keepsState && execution.endsAfter !== undefined) execution.endsAfter(pass)
  else void pass()
}
