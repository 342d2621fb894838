import { createActor } from 'xstate'
import type { Actor, AnyStateMachine } from 'xstate'
import { OptionError, StepTimeoutError } from '../../core/errors.ts'
import type { AnyMachineStep } from '../../core/language/machine-step.ts'
import { fireAfter, fireAt } from '../environment/timers.ts'
import type { Timer } from '../environment/timers.ts'
import { checkValue } from '../inputs/check-value.ts'
import type { CheckedValue } from '../inputs/check-value.ts'
import type { Received } from './inbox.ts'
import { isAtWork, stopActorsOf } from './machine-actors.ts'
import { MachineTimers } from './machine-timers.ts'
import type { ArmedTimer } from './machine-timers.ts'
import { outputError } from './output-error.ts'
import type { StepWork, WorkingStep } from './step-work.ts'

/**
 * An XState machine as the work of a step. Between two events it is at rest; only then it is given the next one: what was due, or came, first. What it has
 * invoked goes its own way, and brings events when it will.
 */
export class MachineWork implements StepWork {
  readonly attempt: number
  isWaiting = false
  #step: WorkingStep
  #isOpen = true
  #actor: Actor<AnyStateMachine> | undefined
  #timers: MachineTimers
  #waitsUntil: number | undefined
  #alarm: Timer | undefined
  #limit: Timer | undefined
  #unlisten: (() => void) | undefined
  /** It is being given something, so that what that leads to is looked at afterwards. */
  #isBusy = false
  #isLooking = false
  #failure: { readonly error: unknown } | undefined

  constructor(step: WorkingStep) {
    this.attempt = step.attempt
    this.#step = step
    this.#timers = new MachineTimers(() => step.execution.clock.now())
    step.current = this
  }

  begin(): void {
    const { execution, planStep, inputs, step } = this.#step
    // Made while it is the current one: timers and messages go on in it.
    void execution.context
    const { machine, input } = this.#declared
    try {
      this.#actor = createActor(machine as unknown as AnyStateMachine, {
        id: step,
        input: input === undefined ? inputs : input(inputs),
        inspect: () => this.#lookSoon(),
        logger: (...args: unknown[]) => this.#log(args),
      })
    } catch (thrown) {
      this.#end(thrown, false)
      return
    }
    this.#timers.attach(this.#actor.system)
    this.#actor.subscribe({ error: (error) => (this.#failure = { error }) })
    this.#unlisten = execution.setup.inbox?.onMessage(() => this.#inContext(() => this.#goOn()))
    this.#armLimit(planStep.spec.timeoutMs)
    this.#give((actor) => actor.start())
    this.#goOn()
  }

  close(): void {
    if (!this.#isOpen) return
    this.#leave()
    this.#actor?.stop()
  }

  moveTo(step: WorkingStep): void {
    this.#step.current = undefined
    this.#step = step
    step.current = this
  }

  get #declared(): AnyMachineStep {
    return this.#step.planStep.spec.step as AnyMachineStep
  }

  /** What has happened to one of the machine's actors leads to a look once all that it leads to has happened. */
  #lookSoon(): void {
    if (this.#isLooking || this.#isBusy || !this.#isOpen) return
    this.#isLooking = true
    queueMicrotask(() => {
      this.#isLooking = false
      this.#inContext(() => this.#goOn())
    })
  }

  /** Gives the machine what is there for it, one after the other. */
  #goOn(): void {
    while (this.#isOpen && !this.#isBusy) {
      if (this.#failure !== undefined) return this.#end(this.#failure.error, false)
      const { status, output } = this.#actor!.getSnapshot()
      if (status !== 'active') return this.#finish(output)
      // Nothing begins after the end, nor while the execution is about to be handed over.
      if (this.#step.execution.isOver) return
      if (!this.#giveNext()) return this.#rest()
    }
  }

  /** Gives it what is due, or has come: whichever was first. False where there is nothing. */
  #giveNext(): boolean {
    const { clock, setup } = this.#step.execution
    const timer = this.#timers.first
    const due = timer !== undefined && timer.dueAt <= clock.now() ? timer : undefined
    const received = setup.inbox?.next(this.#types)
    if (received !== undefined && (due === undefined || received.at < due.dueAt)) this.#receive(received)
    else if (due !== undefined) this.#fire(due)
    else return false
    return true
  }

  #receive(received: Received): void {
    const { type, value } = received
    received.take()
    this.#give((actor) => actor.send({ type: this.#eventOf(type), value }))
  }

  #fire(timer: ArmedTimer): void {
    this.#timers.take(timer)
    this.#give(() => timer.target.send(timer.event))
  }

  #give(act: (actor: Actor<AnyStateMachine>) => void): void {
    this.#isBusy = true
    try {
      act(this.#actor!)
    } finally {
      this.#isBusy = false
    }
  }

  /** Nothing is there for it: it waits, unless something that it has invoked is at work. */
  #rest(): void {
    const step = this.#step
    const dueAt = this.#timers.first?.dueAt
    this.#alarm?.cancel()
    this.#alarm =
      dueAt === undefined ? undefined : fireAt(step.execution.clock, dueAt, () => this.#inContext(() => this.#goOn()))
    if (isAtWork(this.#actor!)) {
      if (!this.isWaiting) return
      this.isWaiting = false
      step.goesOn()
      return
    }
    if (dueAt === undefined && step.execution.setup.inbox?.isComplete !== false) {
      this.#end(this.#refusal(), false)
      return
    }
    if (this.isWaiting && dueAt === this.#waitsUntil) return
    this.#waitsUntil = dueAt
    if (this.isWaiting) return step.waitsUntil(dueAt)
    this.isWaiting = true
    step.waits(dueAt)
  }

  /** It has come to its end: what it has made is the step's value, if it fits. */
  #finish(output: unknown): void {
    const checked = checkValue(this.#step.planStep.spec.output, output)
    this.#leave(true)
    if (checked instanceof Promise) void checked.then((late) => this.#inContext(() => this.#settle(late)))
    else this.#settle(checked)
  }

  #settle(checked: CheckedValue): void {
    const step = this.#step
    if (checked.issues !== undefined) {
      const what = `the machine of step "${step.step}" ended with an output that does not fit "${step.planStep.spec.output.name}"`
      return this.#end(outputError(step, what, checked.issues, checked.thrown), false)
    }
    this.#wake(() => step.attemptSucceeded(checked.value))
  }

  #end(error: unknown, timedOut: boolean): void {
    const step = this.#step
    if (!timedOut && step.isHandedOverFor(error)) return
    this.#leave(true)
    if (this.#actor?.getSnapshot().status === 'active') this.#actor.stop()
    else if (this.#actor !== undefined) stopActorsOf(this.#actor)
    this.#wake(() => step.attemptFailed(error, timedOut))
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

  /** Nothing reaches the machine from now on; `isEnding`: what it came to is still to be passed on. */
  #leave(isEnding = false): void {
    this.#isOpen = false
    this.#alarm?.cancel()
    this.#limit?.cancel()
    this.#unlisten?.()
    if (!isEnding) this.#step.current = undefined
  }

  #armLimit(timeoutMs: number | undefined): void {
    if (timeoutMs === undefined) return
    const { execution, step, waitedMs } = this.#step
    this.#limit = fireAfter(execution.clock, Math.max(0, timeoutMs - waitedMs), () =>
      this.#inContext(() => {
        if (this.#isOpen)
          this.#end(new StepTimeoutError(timeoutMs, { ...execution.place, step, attempt: this.attempt }), true)
      }),
    )
  }

  get #types(): readonly string[] {
    return this.#step.planStep.spec.receives.map(({ name }) => name)
  }

  #eventOf(type: string): string {
    return Object.entries(this.#declared.events).find(([, { name }]) => name === type)![0]
  }

  #log(args: readonly unknown[]): void {
    const { execution, step } = this.#step
    execution.options.logger
      .child({ executionId: execution.id, step, attempt: this.attempt })
      .info({}, args.map(String).join(' '))
  }

  #inContext(act: () => void): void {
    this.#step.execution.context.run(act)
  }

  /** Why it would wait for ever. */
  #refusal(): OptionError {
    const { execution, step } = this.#step
    const types = this.#types
    const way =
      types.length === 0
        ? 'it receives nothing: give the step events, or the machine an after'
        : `nobody can send ${types.map((type) => `"${type}"`).join(', ')} to this call: run the graph as an actor, createActor(fromGraph(…)), give all values with the call, { signals: { ${types[0]}: […] } }, or start it in a docket and send them there`
    return new OptionError(
      `the machine of step "${step}" waits in ${JSON.stringify(this.#actor!.getSnapshot().value)} for an event that can't come; ${way}`,
      { ...execution.place, step },
    )
  }
}
