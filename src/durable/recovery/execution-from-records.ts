import type { StepRecord } from '../../core/contracts/execution-record.ts'
import type { Message } from '../../core/contracts/message.ts'
import type { AnyGraph } from '../../core/graph/graph-index.ts'
import type { StoredValue } from '../../core/contracts/stored-value.ts'
import { signalSlotOf } from '../../core/graph/signal-slot-of.ts'
import type { GivenInputs } from '../../runtime/inputs/given-inputs.ts'
import { turnOf } from '../../runtime/environment/turn.ts'
import type { DocketContext } from '../context/docket-context.ts'
import { postStartMessages } from '../context/start-messages.ts'
import { parkingOf } from '../context/parking-of.ts'
import type { Misfit } from '../context/incompatible-executions.ts'
import type { CallerOptions, StartOptions } from '../context/start-options.ts'
import { ownershipRightOf } from '../ownership/ownership-right.ts'
import type { OwnedRecord } from '../ownership/ownership-right.ts'
import type { Owned } from '../ownership/owned.ts'
import type { ReadMove } from '../ownership/timer-mail.ts'
import type { HeldEvents } from '../ownership/event-waits.ts'
import { heldEvents } from './held-events.ts'
import { OwnedExecution } from '../ownership/owned-execution.ts'
import { forgottenUndos, noUndoRecords, undoneRecordsOf } from '../records/undo-records.ts'
import type { StoredRecords } from '../records/present-names.ts'
import { restoreExecution } from '../records/restore-execution.ts'
import { inputsWithLimits } from '../records/stored-inputs.ts'
import type { WorkerLossPolicy } from '../records/stored-inputs.ts'
import { boundsOf, deadlineOnceBegun, limitsWith } from '../records/stored-limits.ts'
import type { StoredLimits } from '../records/stored-limits.ts'
import type { RestoredExecution, ResumeCause } from '../records/restore-execution.ts'

/** What records make: something that can be owned and started, or why they don't fit. */
export type FromRecords =
  | {
      /** Steps whose results were found. */
      readonly restored: number
      /** Records that an execution leaves behind that begins again. @default none */
      readonly reopened?: readonly StepRecord[]
      /** Of a batch, whether not all of its items are on record. @default false */
      readonly isUnwritten?: boolean
      /** Of a batch, attempts to undo steps that were under way, of which their processes may have died. @default none */
      readonly undosUnderWay?: number
      /** Of a batch that begins again, writes in portions what of it is not served any more. */
      reopen?(write: (steps: readonly StepRecord[]) => Promise<void>): Promise<void>
      /** The inputs as they are stored from here on, where they change. */
      readonly inputs?: StoredValue | undefined
      /** What bounds its time, where that is more than a deadline. @default none */
      readonly limits?: StoredLimits | undefined
      /** Slots of the signals that its steps wait for, or will wait for. @default none */
      readonly awaited?: readonly string[]
      /** `mail` and `moves`: what came for its steps and timers before it lives here. */
      own(
        record: OwnedRecord,
        caller?: CallerOptions,
        mail?: readonly Message[],
        moves?: readonly ReadMove[],
      ): Owned & { start(): void }
    }
  | (Pick<Misfit, 'reasons'> & Partial<Misfit>)

/** Puts an execution together from its records. @throws SerializationError for damaged ones */
export async function executionFromRecords(
  context: DocketContext,
  { record, steps, left = [], undoRecords = noUndoRecords }: StoredRecords,
  graph: AnyGraph,
  cause: ResumeCause,
  caller?: CallerOptions,
): Promise<FromRecords> {
  const { connection, clock } = context
  const found = await restoreExecution(record, steps, graph, connection.encoding, cause, turnOf(clock), undoRecords)
  if ('reasons' in found) return found
  const restored = { ...found, open: [...found.open, ...left] }
  const { plan, leafValues, inputs, persisted, anew, undoings } = restored
  const { id, requestDigest, headers, timeoutMs, deadline } = record
  const hasEnded = (step: string): boolean => persisted.steps.get(step)?.endedAt !== undefined
  await postStartMessages(context, id, plan, restored.signals, hasEnded)
  const held = await heldEvents(context, id, plan, persisted.steps)
  // A call that goes on with one that has ended may give it more time: whoever goes on with it after that must know.
  const limits = limitsWith(restored.limits, cause === 'end' ? caller?.deadlineAt?.() : undefined)
  const { encoding } = connection
  return {
    inputs: limits === restored.limits ? undefined : await inputsWithLimits(record, limits, encoding, plan),
    reopened: [
      ...restored.retried,
      ...forgottenUndos(undoRecords),
      ...anew.flatMap((step) => undoneRecordsOf({ step, item: '' }, undoings.get(step)!, clock.now())),
    ],
    limits,
    restored: [...persisted.steps.values()].filter(({ endedAt }) => endedAt !== undefined).length,
    awaited: plan.signalSteps.flatMap(({ spec }) =>
      persisted.steps.get(spec.name)?.endedAt === undefined ? [signalSlotOf(spec.output)] : [],
    ),
    own: (owned, follower, mail, moves) =>
      ownedExecutionOf(context, {
        given: { plan, leafValues },
        input: inputs,
        requestDigest,
        startOptions: { ...follower, id, headers, timeout: timeoutMs, deadline },
        record: owned,
        restored,
        signals: restored.signals,
        onWorkerLoss: restored.onWorkerLoss,
        limits,
        mail,
        moves,
        held,
      }),
  }
}

/** An execution that this process owns, ready to start. */
export function ownedExecutionOf(
  context: DocketContext,
  parts: {
    readonly given: GivenInputs
    readonly input: unknown
    readonly requestDigest: string
    readonly startOptions: StartOptions & { readonly id: string }
    readonly record: OwnedRecord
    readonly restored: RestoredExecution | undefined
    readonly begun?: readonly StepRecord[] | undefined
    readonly limits?: StoredLimits | undefined
    readonly signals?: Readonly<Record<string, unknown>> | undefined
    readonly mail?: readonly Message[] | undefined
    readonly moves?: readonly ReadMove[] | undefined
    readonly held?: HeldEvents | undefined
    readonly onWorkerLoss?: WorkerLossPolicy | undefined
  },
): OwnedExecution {
  const { given, input, requestDigest, startOptions, record, restored, begun, signals, mail, moves, held, limits } =
    parts
  const options = context.optionsOf(given.plan, startOptions)
  const { createdAt, startAt } = record
  const now = context.clock.now()
  // What was created as begun begins now: what took time since was the store.
  const isCreated = restored === undefined && record.startedAt !== undefined
  const startedAt = isCreated ? now : record.startedAt
  const times = { createdAt, startedAt, startAt, deadline: options.deadline }
  return new OwnedExecution({
    connection: context.connection,
    given,
    input,
    requestDigest,
    options: { ...options, spentMs: record.ownedMs, ...boundsOf(times, limits, now) },
    deadlineOnceBegun: deadlineOnceBegun(isCreated ? { createdAt, startedAt: undefined } : times, limits),
    setup: context.setup,
    inspect: context.inspect,
    right: ownershipRightOf(record, options.timeoutMs),
    startedAt: record.startedAt,
    restored,
    signals,
    mail,
    moves,
    held,
    ...(begun !== undefined && { begun }),
    onRefused: () => context.refused(record.id),
    ...parkingOf(context, { id: record.id, graph: given.plan.index.graph.name, queue: record.queue }, startOptions),
    // To be parked is to go on in another process.
    ...(parts.onWorkerLoss !== undefined && { parkMs: undefined }),
    onGone: (gone) => context.leave(gone),
  })
}
