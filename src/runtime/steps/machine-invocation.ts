import type { AnyActorRef } from 'xstate'

/** What an actor that the machine of a step has invoked or spawned is part of. */
export interface MachineInvocation {
  /**
   * Names what this actor does: the same when it is done again because a process died, another one when its state is entered again. Pass it to whoever is
   * to do something once.
   */
  readonly idempotencyKey: string
  /** The execution's id. */
  readonly executionId: string
  /** The step's name. */
  readonly stepName: string
  /** Index of the batch's item; undefined outside batches and in steps that run once for the whole batch. */
  readonly item: number | undefined
  /** Headers that the execution was started with. */
  readonly headers: Readonly<Record<string, string>>
  /** What `createDocket({ app })`, or the call, has given. */
  readonly app: unknown
}

/** Says of an actor what it is part of. */
type InvocationOf = (ref: AnyActorRef) => MachineInvocation | undefined

/** Where an actor system has it: the same key in every copy of the package. */
const invocationKey = Symbol.for('docket.machineInvocation')

/** Actors of this system find what they are part of. */
export function invokes({ system }: AnyActorRef, invocationOf: InvocationOf): void {
  Object.defineProperty(system, invocationKey, { value: invocationOf })
}

/**
 * What an actor that the machine of a `machineStep` has invoked or spawned is part of, in the logic of that actor: above all the key under which it is to do what
 * must not happen twice. Undefined in machines that are no step's.
 *
 * @example fromPromise(({ input, self }) => bank.charge(input, { idempotencyKey: invocationOf(self)?.idempotencyKey }))
 */
export function invocationOf(self: AnyActorRef): MachineInvocation | undefined {
  const find = Reflect.get(self.system, invocationKey) as InvocationOf | undefined
  return find?.(self)
}
