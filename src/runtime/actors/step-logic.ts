import type { ActorLogic, Snapshot, SnapshotFrom } from 'xstate'
import { stepMachine } from '../../../machines/index.ts'
import type { StepEvent } from '../../../machines/index.ts'
import type { StepSpec } from '../../core/graph/graph-index.ts'
import { drawingOf } from './machine-drawing.ts'

/** A step's actor goes through the step machine's snapshots. */
export type StepLogic = ActorLogic<SnapshotFrom<typeof stepMachine>, StepEvent, { readonly step: string }>

// The step machine moves with its execution only: what others send to a step's actor is ignored.
const ownEvents = new WeakSet<object>()

/** Marks an event as the execution's own, for steps' actors to take. */
export function own(event: StepEvent): StepEvent {
  ownEvents.add(event)
  return event
}

const logics = new Map<string, StepLogic>()

/** The step machine as actor logic that listens to its execution alone, drawn as far as this step's policies let it go. */
export function stepLogicFor(spec: StepSpec): StepLogic {
  const never = whatNeverHappens(spec)
  const key = never.join()
  let logic = logics.get(key)
  if (logic === undefined) logics.set(key, (logic = createLogic(new Set(never))))
  return logic
}

/** Events that never come and guards that never hold, for a step with these policies. */
function whatNeverHappens({
  kind,
  persist,
  concurrency,
  maxAttempts,
  fallback,
  timeoutMs,
  ports,
  when,
}: StepSpec): readonly string[] {
  return [
    ...(kind === 'step' || kind === 'value' || kind === 'subgraph' ? ['WAIT'] : []),
    ...(kind === 'machine' || kind === 'durable' || kind === 'remote' ? [] : ['GO_ON']),
    ...(persist === undefined ? ['CLAIM', 'HIT'] : []),
    ...(concurrency === undefined ? ['QUEUE'] : []),
    ...(maxAttempts === 1 ? ['mayRetry'] : []),
    ...(fallback === undefined ? ['hasFallback'] : []),
    ...(timeoutMs === undefined ? ['TIME_OUT'] : []),
    ...(when === undefined && ports.every((port) => port.kind === 'optional') ? ['SKIP'] : []),
  ]
}

function createLogic(never: ReadonlySet<string>): StepLogic {
  return {
    // Inspectors draw any logic that has a config as that machine.
    config: drawingOf(stepMachine, never),
    getInitialSnapshot: (scope, input) => stepMachine.getInitialSnapshot(scope as never, input),
    transition: (snapshot, event, scope) =>
      ownEvents.has(event) || event.type.startsWith('xstate.')
        ? stepMachine.transition(snapshot, event, scope as never)
        : snapshot,
    start: (snapshot) => stepMachine.start(snapshot),
    // Not the machine's own two: they walk through whatever a context holds, the users' outputs too, and change them.
    getPersistedSnapshot: ({ status, value, context, output }) =>
      ({
        status,
        value,
        context: { ...context },
        output,
        error: undefined,
        children: {},
        historyValue: {},
      }) as unknown as Snapshot<unknown>,
    restoreSnapshot: (persisted) => stepMachine.resolveState(persisted as never),
  }
}
