import { createActor } from 'xstate'
import type { Actor, AnyActorRef, AnyStateMachine, InspectionEvent, SnapshotFrom } from 'xstate'
import { SerializationError } from '../../core/errors.ts'
import type { StepTimeoutError } from '../../core/errors.ts'
import type { AnyMachineStep } from '../../core/language/machine-step.ts'
import type { AsyncContext } from '../environment/async-context.ts'
import { contextOf } from '../environment/current-step.ts'
import { fireAt } from '../environment/timers.ts'
import type { Timer } from '../environment/timers.ts'
import { checkValue } from '../inputs/check-value.ts'
import type { CheckedValue } from '../inputs/check-value.ts'
import type { Received } from './inbox.ts'
import { MachineAnswers } from './machine-answers.ts'
import { actorsOf, isAtWork, leaveElsewhere, stopActorsOf } from './machine-actors.ts'
import { invokes } from './machine-invocation.ts'
import type { MachineInvocation } from './machine-invocation.ts'
import { refusalOfActors, refusalOfDeclared, refusalOfUpdate, refusalToWait } from './machine-refusals.ts'
import { keptState, machineStateOf, revive } from './machine-state.ts'
import type { Beginnings, MachineState } from './machine-state.ts'
import { MachineTimers } from './machine-timers.ts'
import type { ArmedTimer } from './machine-timers.ts'
import { outputError } from './output-error.ts'
import type { StepWork, WorkingStep } from './step-work.ts'
import { limitOfWork } from './work-limit.ts'
import { isPromise } from '../../core/own-promise.ts'
import { inMicrotask } from '../../core/in-microtask.ts'

/**
 * An XState machine as the work of a step. Between two events it is at rest; what these have made of it is kept then, and only once it is, it is given the
 * next one: what was due, or came, first. What it has invoked goes its own way, and brings events when it will.
 */
export class MachineWork implements StepWork {
  readonly attempt: number
  isWaiting = false
  #step: WorkingStep
  #context!: AsyncContext
  #isOpen = true
  #actor: Actor<AnyStateMachine> | undefined
  #timers!: MachineTimers
  #answers!: MachineAnswers
  #waitsUntil: number | undefined
  #alarm: Timer | undefined
  #limit: Timer | undefined
  #unlisten: (() => void) | undefined
  /** It is being given something, so that what that leads to is looked at afterwards. */
  #isBusy = false
  #isLooking = false
  /** What it is at is on its way to where it is kept. */
  #isKeeping = false
  /** Something of it is not kept yet. */
  #hasChanged = false
  /** The last snapshots of it and of its actors: an event that leads to nothing leaves them as they are. */
  readonly #seen = new WeakMap<AnyActorRef, unknown>()
  #seenTimers = 0
  /** In the order of their creation, which is the same whenever the same event leads to it. */
  readonly #begun: Beginnings = { numbers: new WeakMap(), count: 0 }
  /** What it has emitted, and what has led to that is not kept yet. */
  #emitted: { readonly type: string }[] = []
  #failure: { readonly error: unknown } | undefined

  constructor(step: WorkingStep) {
    this.attempt = step.attempt
    this.#step = step
    step.current = this
  }

  begin(): void {
    const { execution } = this.#step
    // Made while it is the current one: timers and messages go on in it.
    this.#context = contextOf(this.#step)
    try {
      this.#actor = this.#create()
    } catch (thrown) {
      this.#end(thrown, false)
      return
    }
    this.#timers.attach(this.#actor.system)
    invokes(this.#actor, (ref) => this.#invocationOf(ref))
    this.#actor.subscribe({ error: (error) => (this.#failure = { error }) })
    this.#actor.on('*', (event: { readonly type: string }) => this.#emitted.push(event))
    this.#unlisten = execution.setup.inbox?.onMessage(() => this.#inContext(() => this.#goOn()))
    this.#limit = limitOfWork(this.#step, (error) => this.#timeOut(error))
    this.#give((actor) => actor.start())
    this.#goOn()
  }

  /** The machine's actor, which has not started: as it was left, or a new one. @throws what keeps it from beginning */
  #create(): Actor<AnyStateMachine> {
    const { execution, planStep, inputs, step, heldState, keepsState, isRepeated } = this.#step
    const now = (): number => execution.clock.now()
    const settings = {
      id: `${execution.id}/${step}`,
      // Delays have their own scheduler; this is the time of what the machine's actors do, as of graphs that it invokes.
      clock: execution.clock,
      inspect: (event: InspectionEvent) => this.#inspected(event),
      logger: (...args: unknown[]) => this.#log(args),
    }
    const { machine, input } = this.#declared
    if (keepsState) refusalOfDeclared(planStep.spec, execution.place)
    const state = machineStateOf(heldState)
    this.#answers = new MachineAnswers(this.#step, state?.updates)
    if (state === undefined) {
      this.#timers = new MachineTimers(now)
      this.#hasChanged = true
      const given = input === undefined ? inputs : input(inputs)
      return createActor(machine as unknown as AnyStateMachine, { ...settings, input: given })
    }
    const revived = revive(planStep.spec, state, now(), settings, this.#begun)
    if ('reason' in revived) throw new SerializationError(revived.reason, { ...execution.place, step })
    this.#timers = new MachineTimers(now, revived.timers, revived.armed)
    // One that had ended begins again: that is to be on record.
    this.#hasChanged = !isRepeated || state.version !== planStep.spec.version
    for (const { ref } of actorsOf(revived.actor)) this.#seen.set(ref, ref.getSnapshot())
    return revived.actor
  }

  close(): void {
    const step = this.#step
    const hadEnded = !this.#isOpen
    if (hadEnded && step.current !== this) return
    this.#leave()
    const actor = hadEnded ? undefined : this.#actor
    if (actor !== undefined && step.execution.released !== undefined) leaveElsewhere(actor)
    actor?.stop()
    // Nothing comes of it any more, also of what it came to and is not passed on yet; and nobody knows what it has done so far.
    step.endedLate()
  }

  moveTo(step: WorkingStep): void {
    this.#step.current = undefined
    this.#step = step
    this.#context = step.execution.context
    step.current = this
  }

  /** All of it as it is now. @throws SerializationError for what could not go on from it */
  get state(): MachineState | undefined {
    const { step, planStep } = this.#step
    if (this.#actor === undefined || this.#failure !== undefined) return undefined
    const { version } = planStep.spec
    const state = keptState(step, version, this.#actor, this.#timers.armed, this.#timers.count, this.#begun)
    return this.#answers.open.length === 0 ? state : { ...state, updates: this.#answers.open }
  }

  get #declared(): AnyMachineStep {
    return this.#step.planStep.spec.step as AnyMachineStep
  }

  /** What has happened to one of the machine's actors leads to a look once all that it leads to has happened. */
  #inspected(event: InspectionEvent): void {
    this.#step.execution.setup.inspect?.(event as never)
    if (event.type === '@xstate.actor' && event.rootId !== event.actorRef.sessionId)
      this.#begun.numbers.set(event.actorRef as AnyActorRef, ++this.#begun.count)
    if (event.type === '@xstate.snapshot' && this.#seen.get(event.actorRef as AnyActorRef) !== event.snapshot) {
      this.#seen.set(event.actorRef as AnyActorRef, event.snapshot)
      this.#hasChanged = true
    }
    if (this.#isLooking || this.#isBusy || !this.#isOpen) return
    this.#isLooking = true
    inMicrotask(() => {
      this.#isLooking = false
      this.#inContext(() => this.#goOn())
    })
  }

  /** Gives the machine what is there for it, one after the other. */
  #goOn(): void {
    if (!this.#isOpen || this.#isBusy) return
    // What is armed for now by what fires here has a turn of its own: a machine that comes back to it at once would never let anything else run.
    const armed = this.#timers.count
    while (this.#isOpen && !this.#isBusy && !this.#isKeeping) {
      if (this.#failure !== undefined) return this.#end(this.#failure.error, false)
      const snapshot = this.#actor!.getSnapshot()
      if (snapshot.status !== 'active') return this.#finish(snapshot)
      // Nothing begins after the end, nor while the execution is about to be handed over.
      if (this.#step.execution.isOver) return
      if (this.#mustKeep) return this.#keep()
      this.#emit()
      if (!this.#giveNext(armed)) return this.#rest()
    }
  }

  get #mustKeep(): boolean {
    return this.#step.keepsState && (this.#hasChanged || this.#timers.changes !== this.#seenTimers)
  }

  /** Keeps what it is at, and goes on then: first it answers the updates that it can answer in that. */
  #keep(): void {
    const answered = this.#answers.settle(this.#step, this.#actor!.getSnapshot())
    if (answered === undefined) this.#keepState()
    else this.#goOnAfter(answered, () => this.#keepState())
  }

  /** It gets nothing before this is done, and ends where it can't be. */
  #goOnAfter(kept: Promise<unknown>, proceed: () => void): void {
    this.#isKeeping = true
    const goOn = (act: () => void): void => {
      this.#isKeeping = false
      if (this.#isOpen) this.#inContext(act)
    }
    kept.then(
      () => goOn(proceed),
      (error: unknown) => goOn(() => this.#end(error, false)),
    )
  }

  #keepState(): void {
    const step = this.#step
    this.#hasChanged = false
    this.#seenTimers = this.#timers.changes
    let kept: Promise<void>
    try {
      refusalOfActors(step.planStep.spec, this.#actor!, step.execution.place)
      const waitsUntil = isAtWork(this.#actor!) ? undefined : { dueAt: this.#timers.first?.dueAt }
      kept = step.keepState(this.state, waitsUntil)
    } catch (thrown) {
      return this.#end(thrown, false)
    }
    this.#goOnAfter(kept, () => this.#goOn())
  }

  #emit(): void {
    if (this.#emitted.length === 0) return
    const emitted = this.#emitted
    this.#emitted = []
    for (const event of emitted) this.#step.emitted(event)
  }

  /** Gives it what is due, or has come: whichever was first. False where there is nothing. */
  #giveNext(armed: number): boolean {
    const { clock, setup } = this.#step.execution
    const timer = this.#timers.first
    const due = timer !== undefined && timer.number <= armed && timer.dueAt <= clock.now() ? timer : undefined
    const received = setup.inbox?.next(this.#types)
    if (received !== undefined && (due === undefined || received.at < due.dueAt)) this.#receive(received)
    else if (due !== undefined) this.#fire(due)
    else return false
    return true
  }

  /** A message that the machine fails of is not taken: once that is mended, it is there. */
  #receive(received: Received): void {
    const { type, value, update } = received
    const event = { type: this.#eventOf(type), value }
    if (update !== undefined && !this.#mayTake(event))
      return received.refuse(
        refusalOfUpdate(this.#step.planStep.spec, this.#actor!, event.type, this.#step.execution.place),
      )
    const hadChanged = this.#hasChanged
    this.#hasChanged = false
    this.#give((actor) => actor.send(event))
    const leadsTo = this.#hasChanged || this.#timers.changes !== this.#seenTimers
    this.#hasChanged ||= hadChanged
    if (this.#failure !== undefined) return
    if (update !== undefined) {
      received.take()
      this.#answers.add(event.type, received, update)
      this.#hasChanged = true
    } else if (leadsTo) received.take()
    else received.skip()
  }

  /** False for an event that it does not know in its state. Where a guard throws, the machine fails of the event itself, as of every other one. */
  #mayTake(event: { readonly type: string }): boolean {
    try {
      return this.#actor!.getSnapshot().can(event)
    } catch {
      return true
    }
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
      this.#end(refusalToWait(step.planStep.spec, this.#actor!, step.execution.place), false)
      return
    }
    if (this.isWaiting && dueAt === this.#waitsUntil) return
    this.#waitsUntil = dueAt
    if (this.isWaiting) return step.waitsUntil(dueAt)
    this.isWaiting = true
    step.waits(dueAt)
  }

  /** It has come to its end: what it has made is the step's value, if it fits. */
  #finish(snapshot: SnapshotFrom<AnyStateMachine>): void {
    const step = this.#step
    const answered = snapshot.status === 'done' ? this.#answers.settle(step, snapshot) : undefined
    const checked = checkValue(step.planStep.spec.output, snapshot.output)
    this.#leave(true)
    if (answered === undefined && !isPromise(checked)) return this.#settle(checked)
    Promise.all([checked, answered]).then(
      ([late]) => this.#inContext(() => this.#settle(late)),
      (error: unknown) => this.#inContext(() => this.#end(error, false)),
    )
  }

  #settle(checked: CheckedValue): void {
    const step = this.#step
    if (checked.issues !== undefined) {
      const what = `the machine of step "${step.step}" ended with an output that does not fit "${step.planStep.spec.output.name}"`
      return this.#end(outputError(step, what, checked.issues, checked.thrown), false)
    }
    this.#emit()
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

  #timeOut(error: StepTimeoutError): void {
    this.#inContext(() => this.#isOpen && this.#end(error, true))
  }

  #invocationOf(ref: AnyActorRef): MachineInvocation | undefined {
    const { execution, step, idempotencyKey } = this.#step
    const number = this.#begun.numbers.get(ref)
    if (number === undefined) return undefined
    const { id, item, options } = execution
    const { headers, app } = options
    return {
      idempotencyKey: `${idempotencyKey}/${ref.id}/${number}`,
      executionId: id,
      stepName: step,
      item,
      headers,
      app,
    }
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
    this.#context.run(act)
  }
}
