import { createActor } from 'xstate'
import type { Actor, AnyActorRef, AnyStateMachine, EventObject, Snapshot } from 'xstate'
import { SerializationError } from '../../core/errors.ts'
import type { StepSpec } from '../../core/graph/graph-index.ts'
import type { AnyMachineStep } from '../../core/language/machine-step.ts'
import { describe } from '../../core/check-options.ts'
import { isRecord } from '../../core/is-record.ts'
import { describeThrown } from '../../core/thrown.ts'
import { canonicalize } from '../../core/values/keys.ts'
import { treeOf } from '../../core/values/value-tree.ts'
import type { OpenUpdate } from './machine-answers.ts'
import { actorsOf, isMachine, logicOf } from './machine-actors.ts'
import { migratedTimers } from './machine-delays.ts'
import type { ArmedTimer } from './machine-timers.ts'
import { misfitOfRemote, remoteStateOf } from './remote-state.ts'

/** A timer of a machine, as it is kept: its actors by the ids that lead to them. */
interface KeptTimer {
  readonly number: number
  readonly source: readonly string[]
  readonly target: readonly string[]
  readonly event: EventObject
  readonly id: string | undefined
  readonly dueAt: number
}

/** All of a machine at rest: plain data, from which it goes on in any process. */
export interface MachineState {
  /** The declared version of the machine; '' where it has none. */
  readonly version: string
  /** As `getPersistedSnapshot` gives it. */
  readonly snapshot: object
  /** What it will send itself, in the order of the arming. */
  readonly timers: readonly KeptTimer[]
  /** How many timers were ever armed. */
  readonly armed: number
  /** Numbers of its actors, by the ids that lead to them: each that begins has the next one. */
  readonly begun: readonly (readonly [path: readonly string[], number: number])[]
  /** How many have ever begun. */
  readonly beginnings: number
  /** Updates that it has taken, and not answered; absent where there are none. */
  readonly updates?: readonly OpenUpdate[]
}

/** Reads what may be the state of a machine; undefined for anything else. */
export function machineStateOf(kept: unknown): MachineState | undefined {
  if (!isRecord(kept) || !isRecord(kept['snapshot']) || !Array.isArray(kept['timers'])) return undefined
  return kept as unknown as MachineState
}

/** The actors of a machine in the order of their beginning. */
export interface Beginnings {
  readonly numbers: WeakMap<AnyActorRef, number>
  count: number
}

/** The state of a machine that is at rest. @throws SerializationError for what could not go on from it */
export function keptState(
  step: string,
  version: string,
  actor: Actor<AnyStateMachine>,
  timers: readonly ArmedTimer[],
  armed: number,
  { numbers, count }: Beginnings,
): MachineState {
  const begun: (readonly [readonly string[], number])[] = []
  const paths = new Map<AnyActorRef, readonly string[]>()
  for (const { path, ref } of actorsOf(actor)) {
    paths.set(ref, path)
    const number = numbers.get(ref)
    if (number !== undefined) begun.push([path, number])
    if (path.length > 0 && typeof ref.src !== 'string')
      throw new SerializationError(
        `the machine of step "${step}" has spawned the actor "${path.join('.')}" of logic that has no name, so that no other process could go on with it: name it in setup({ actors: { … } }), and spawn it by that name`,
      )
  }
  return {
    version,
    snapshot: actor.getPersistedSnapshot(),
    armed,
    begun,
    beginnings: count,
    timers: timers.flatMap(({ number, source, target, event, id, dueAt }): readonly KeptTimer[] => {
      const from = paths.get(source)
      // What has been stopped sends nothing.
      if (from === undefined) return []
      const to = paths.get(target)
      // Nor does it get anything.
      if (to === undefined && target.system === source.system) return []
      if (to === undefined)
        throw new SerializationError(
          `the machine of step "${step}" sends "${event.type}" later to an actor that is not its own: no other process could find that`,
        )
      return [{ number, source: from, target: to, event, id, dueAt }]
    }),
  }
}

/** A machine that goes on from its state, and has not started. */
export interface RevivedMachine {
  readonly actor: Actor<AnyStateMachine>
  readonly timers: readonly ArmedTimer[]
  /** How many timers were ever armed. */
  readonly armed: number
}

/** How its actor is made, beside the snapshot. */
type ActorSettings = Pick<
  NonNullable<Parameters<typeof createActor<AnyStateMachine>>[1]>,
  'clock' | 'id' | 'inspect' | 'logger'
>

/** Brings a machine back as it was, or says why it can't be. */
export function revive(
  { name, step, version }: StepSpec,
  state: MachineState,
  now: number,
  settings: ActorSettings = {},
  beginnings: Beginnings = { numbers: new WeakMap(), count: 0 },
): RevivedMachine | { readonly reason: string } {
  const { machine, migrate } = step as AnyMachineStep
  const declared = machine as unknown as AnyStateMachine
  let snapshot: Snapshot<unknown>
  try {
    // XState writes into what it is given.
    snapshot = structuredClone(state.snapshot) as Snapshot<unknown>
  } catch (thrown) {
    return { reason: `the machine of step "${name}" has a snapshot that can't be copied: ${describeThrown(thrown)}` }
  }
  if (state.version !== version) {
    const [from, to] = [state.version || '(none)', version || '(none)']
    if (migrate === undefined)
      return {
        reason: `the machine of step "${name}" was in version ${from}, and is in version ${to} now: give the step migrate, which makes a snapshot of the one of the other`,
      }
    try {
      const made: unknown = migrate(snapshot, { version: state.version === '' ? undefined : state.version })
      if (!isRecord(made)) throw new TypeError(`it returned ${describe(made)}, not a snapshot`)
      // What can't be kept could not go on: it would fail the execution, which a better migrate brings on.
      treeOf(made)
      snapshot = structuredClone(made) as unknown as Snapshot<unknown>
    } catch (thrown) {
      return { reason: `migrate of step "${name}" failed for version ${from}: ${describeThrown(thrown)}` }
    }
  }
  const before = structuredClone(snapshot)
  let actor: Actor<AnyStateMachine>
  try {
    actor = createActor(declared, { ...settings, input: undefined, snapshot })
  } catch (thrown) {
    return { reason: `the machine of step "${name}" can't go on from its snapshot: ${describeThrown(thrown)}` }
  }
  const reason = misfitOf(declared, before, actor)
  if (reason !== undefined) return { reason: `the machine of step "${name}" ${reason}` }
  const refs = new Map(actorsOf(actor).map(({ path, ref }) => [path.join('\n'), ref]))
  for (const [path, number] of state.begun) {
    const ref = refs.get(path.join('\n'))
    if (ref !== undefined) beginnings.numbers.set(ref, number)
  }
  beginnings.count = state.beginnings
  const timers: ArmedTimer[] = []
  for (const { source, target, ...timer } of state.timers) {
    const [from, to] = [refs.get(source.join('\n')), refs.get(target.join('\n'))]
    if (from !== undefined && to !== undefined) timers.push({ ...timer, source: from, target: to })
  }
  if (state.version === version) return { actor, timers, armed: state.armed }
  const migrated = migratedTimers(declared, actor, timers, now, state.armed)
  return { actor, timers: migrated, armed: state.armed + migrated.length }
}

/** Why the step of this spec can't go on from what its work was at; undefined where it can, or where that is nothing of a machine's. */
export function misfitOfState(spec: StepSpec | undefined, kept: unknown): string | undefined {
  if (kept === undefined || spec === undefined) return undefined
  if (spec.kind === 'remote' || remoteStateOf(kept) !== undefined) return misfitOfRemote(spec, kept)
  if (spec.kind !== 'machine') return `step "${spec.name}" was a machine, and is none any more`
  const state = machineStateOf(kept)
  if (state === undefined) return `step "${spec.name}" has left a state that this version can't read`
  const revived = revive(spec, state, 0)
  return 'reason' in revived ? revived.reason : undefined
}

/** Why a snapshot does not fit the machine as it is now; XState itself would report that to nobody, or end the process. */
function misfitOf(
  machine: Pick<AnyStateMachine, 'resolveState'>,
  kept: Snapshot<unknown>,
  ref: AnyActorRef,
): string | undefined {
  const {
    value,
    context,
    children = {},
  } = kept as unknown as {
    readonly value: unknown
    readonly context: unknown
    readonly children?: Readonly<Record<string, { readonly src: unknown; readonly snapshot: Snapshot<unknown> }>>
  }
  const now = ref.getSnapshot() as Snapshot<unknown>
  const state = `was in the state ${JSON.stringify(value)}`
  if (now.status === 'error' && kept.status !== 'error')
    return `${state}, which it does not have any more (${describeThrown(now.error)})`
  if (!isMachine(now)) return undefined
  let filled: unknown
  try {
    filled = machine.resolveState({ value: value as never, context } as never).value
  } catch (thrown) {
    return `${state}, which it does not have any more (${describeThrown(thrown)})`
  }
  if (canonicalize(filled) !== canonicalize(value)) return `${state}, which would be ${JSON.stringify(filled)} now`
  const present = (now as unknown as { readonly children: Readonly<Record<string, AnyActorRef | undefined>> }).children
  for (const [id, child] of Object.entries(children)) {
    const actor = present[id]
    if (actor === undefined) return `had an actor "${id}" of "${String(child.src)}", which it does not know any more`
    const logic = logicOf(actor) as AnyStateMachine | undefined
    if (logic === undefined || !isMachine(actor.getSnapshot())) continue
    const reason = misfitOf(logic, child.snapshot, actor)
    if (reason !== undefined) return `has an actor "${id}" that ${reason}`
  }
  return undefined
}
