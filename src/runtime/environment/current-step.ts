import { AsyncLocalStorage } from 'node:async_hooks'
import { AsyncContext } from './async-context.ts'

/** A step whose function runs and that others may have to wait for: it holds a slot, makes a shared result, or belongs to a durable execution. */
export interface WaitedFor {
  readonly step: string
  readonly hasEnded: boolean
  readonly attempt: number
  /** Whether one attempt is over, and the next has not begun. */
  readonly isBetweenAttempts?: boolean
  readonly execution: { readonly id: string; readonly caller: CallingStep | undefined }
  /** The slots of which it holds one, and those of which it waits for one: of this process, or shared by all. */
  readonly heldSlots?: Slots | undefined
  readonly awaitedSlots?: Slots | undefined
  /** The result that it makes, as the leader, or waits for. */
  readonly claim?: { readonly leader?: object | undefined } | undefined
}

/** What so many may hold at the same time. */
export interface Slots {
  readonly limit: number
}

/** A step in whose function something was called, and the one in whose function its own execution was started. */
export interface CallingStep {
  readonly step: WaitedFor
  /** In which attempt: one that was given up may still call something, for which no later one waits. */
  readonly attempt: number
  readonly parent: CallingStep | undefined
  /** Whether the step goes on without what it called: where it waits for that after all, it says so at the wait. */
  readonly goesOn?: boolean
}

const calling = new AsyncLocalStorage<CallingStep>()
let isUsed = false

/** A step of an execution that has the context of the call that it works for. */
interface CalledFor {
  readonly execution: { readonly context: AsyncContext }
}

/** Runs a step's function, in the context of the call that it works for, so that what it calls, now or later, knows the step. */
export function runAsStep(step: WaitedFor & CalledFor, act: () => void): void {
  // What `calling.run` does, in half of its time: it makes a second frame to go back to the first.
  step.execution.context.run(() => enterAs(step, act))
}

/** The same in the context that there is, which is left as it is then. */
export function enterAs(step: WaitedFor, act: () => void): void {
  isUsed = true
  calling.enterWith({ step, attempt: step.attempt, parent: step.execution.caller })
  act()
}

/** The context in which the work of a step begins right now, for what comes of it later. */
export function contextOf(step: CalledFor): AsyncContext {
  const by: object | undefined = callingStep()?.step
  return by === step ? new AsyncContext() : step.execution.context
}

/** Calls a function, so that what it calls knows the step that has called this, whatever context `around` calls it in. */
export function asCallingStep(act: () => void, around: (begin: () => void) => void): void {
  const from = callingStep()
  around(() => {
    if (from !== undefined) calling.enterWith(from)
    act()
  })
}

/** The step in whose function the current call was made; undefined outside of steps, and where nobody could have to wait for it. */
export function callingStep(): CallingStep | undefined {
  return isUsed ? calling.getStore() : undefined
}

/** Calls a function that begins something for which the step in whose function the call was made need not wait. */
export function beginWithoutWaiting<Result>(act: () => Result): Result {
  const from = callingStep()
  return from === undefined ? act() : calling.run({ ...from, goesOn: true }, act)
}

/** The step that waits for what the current call begins; undefined where none does, or it goes on without that. */
export function waitingStep(): CallingStep | undefined {
  const from = callingStep()
  return from?.goesOn === true ? undefined : from
}

/** The steps that can't end before the current call has: the calling one first, then those around it, as far as they satisfy a test. */
export function stepsAround(
  from: CallingStep | undefined,
  satisfies: (step: WaitedFor) => boolean,
): readonly WaitedFor[] {
  const found: WaitedFor[] = []
  for (let one = from; one !== undefined; one = one.parent)
    if (isUnderWay(one) && satisfies(one.step)) found.push(one.step)
  return found
}

/** Whether the function in which something was called is still the one that its step waits for. */
export function isUnderWay({ step, attempt }: Pick<CallingStep, 'step' | 'attempt'>): boolean {
  return !step.hasEnded && step.attempt === attempt && step.isBetweenAttempts !== true
}

/** The way round, as text: from what is waited for (or the outermost step), by what it has called, to what waits. */
export function wayRound(from: CallingStep | undefined, holder: WaitedFor | undefined, end: string): string {
  const names = [end]
  for (let one = from; one !== undefined; one = one.parent) {
    names.unshift(`step "${one.step.step}" (execution "${one.step.execution.id}")`)
    if (one.step === holder) break
  }
  return names.join(' → ')
}
