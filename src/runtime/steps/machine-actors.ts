import { Actor } from 'xstate'
import type { AnyActorLogic, AnyActorRef, Snapshot } from 'xstate'
import { isRecord } from '../../core/is-record.ts'

/** An actor of a machine, and the ids that lead to it from there. */
interface ActorOfMachine {
  /** Its own id last; empty for the machine itself. */
  readonly path: readonly string[]
  readonly ref: AnyActorRef
}

/** The machine's actor, its actors, and theirs. */
export function actorsOf(root: AnyActorRef): readonly ActorOfMachine[] {
  const found: ActorOfMachine[] = [{ path: [], ref: root }]
  // It grows while it is walked through.
  for (const { path, ref } of found)
    for (const [id, child] of Object.entries(childrenOf(ref)))
      if (child !== undefined) found.push({ path: [...path, id], ref: child })
  return found
}

/** Whether anything that a machine has invoked or spawned is at work: whatever starts something of its own, and has not ended. */
export function isAtWork(root: AnyActorRef): boolean {
  return actorsOf(root).some(({ path, ref }) => path.length > 0 && isActive(ref) && works(ref))
}

/** Stops what a machine that has failed leaves running. */
export function stopActorsOf(root: AnyActorRef): void {
  for (const { path, ref } of actorsOf(root)) if (path.length > 0 && isActive(ref)) ref.send({ type: 'xstate.stop' })
}

/** The logic of an actor. */
export function logicOf(ref: AnyActorRef): AnyActorLogic | undefined {
  return ref instanceof Actor ? (ref.logic as AnyActorLogic) : (Reflect.get(ref, 'logic') as AnyActorLogic | undefined)
}

/** Whether an actor is that of a machine: it rests until something comes. */
export function isMachine(snapshot: unknown): boolean {
  return isRecord(snapshot) && 'machine' in snapshot && 'children' in snapshot
}

function childrenOf(ref: AnyActorRef): Readonly<Record<string, AnyActorRef | undefined>> {
  const snapshot: unknown = ref.getSnapshot()
  return isMachine(snapshot) ? (snapshot as { readonly children: Record<string, AnyActorRef> }).children : {}
}

function isActive(ref: AnyActorRef): boolean {
  return (ref.getSnapshot() as Snapshot<unknown>).status === 'active'
}

/** A machine rests between events, and so does what only makes the next state of the last one. */
function works(ref: AnyActorRef): boolean {
  return !isMachine(ref.getSnapshot()) && logicOf(ref)?.start !== undefined
}

/** What marks actor logic whose executions find again by themselves what they have done: of whatever copy of the package. */
export const graphLogicKey = Symbol.for('docket.graphLogic')

/** Whether an actor of this logic may begin again in another process: it is data, or its work has an outcome that its machine waits for. */
export function mayBeginAgain(logic: AnyActorLogic | undefined): boolean {
  if (logic === undefined) return false
  if (logic.start === undefined || 'implementations' in logic || graphLogicKey in logic) return true
  return isPromiseLogic(logic)
}

/** XState does not say what it made logic of: that of promises, and no other, ends with the value that such an event brings. */
function isPromiseLogic({ transition }: AnyActorLogic): boolean {
  const event = { type: 'xstate.promise.resolve', data: graphLogicKey }
  try {
    const next: unknown = transition(
      { status: 'active', output: undefined, error: undefined } as never,
      event,
      {} as never,
    )
    return isRecord(next) && next['status'] === 'done' && next['output'] === graphLogicKey
  } catch {
    return false
  }
}

/** Actor systems whose machine goes on in another process: what they stop is not to be cancelled. */
const left = new WeakSet<object>()

/** The machine of this actor goes on elsewhere, and is stopped here. */
export function leaveElsewhere({ system }: AnyActorRef): void {
  left.add(system)
}

/** Whether what this actor stands for goes on elsewhere, though the actor is stopped. */
export function goesOnElsewhere({ system }: AnyActorRef): boolean {
  return left.has(system)
}
