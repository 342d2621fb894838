import type { ExecutionRecord, HeadChange, NewExecution } from '../../core/contracts/execution-record.ts'
import { signalSlot } from '../../core/contracts/signal-message.ts'
import { ExecutionConflictError, LeaseLostError } from '../../core/errors.ts'
import type { NumberedWrites } from '../../runtime/store-access/numbered-writes.ts'
import type { ExecutionParts } from './execution-parts.ts'

const portion = 200
const longestLockMs = 10_000

/** The owner that writes, and its time. */
export interface PartsWriter {
  /** How the store is written to. */
  readonly writes: NumberedWrites
  /** A living owner of that store. */
  readonly owner: string
  /** The epoch in which the owner has the execution. @default 1 */
  readonly epoch?: number | undefined
  /** The time of that store. */
  readonly now: () => number
  readonly sleep: (ms: number) => Promise<void>
}

/**
 * Writes an execution to a store in which it is not yet: owned by the writer, under a hash of no graph, so that nobody goes on with it before it is whole. The record has
 * what the original's has; in the store it is nobody's, and not parked, once it is opened.
 * @throws ExecutionConflictError where its id is taken, LeaseLostError, StoreError
 */
export async function writeParts(writer: PartsWriter, parts: ExecutionParts, hash: string): Promise<void> {
  const { record, steps, checkpoints, receipts = [] } = parts
  const { writes, owner } = writer
  const { id } = record
  const created = { ...newExecutionOf(record), owner, graphHash: hash }
  const [existing] = await writes.create([created])
  if (existing !== undefined)
    throw new ExecutionConflictError(`execution "${id}" is there already; delete it first`, { executionId: id })
  for (let first = 0; first < steps.length; first += portion)
    await commit(writer, record, { steps: steps.slice(first, first + portion) })
  for (let first = 0; first < checkpoints.length; first += portion)
    await commit(writer, record, { checkpoints: checkpoints.slice(first, first + portion) })
  // Before slots are closed: a slot that was taken is known as such, not as closed.
  for (let first = 0; first < receipts.length; first += portion)
    await commit(writer, record, { receipts: receipts.slice(first, first + portion) })
  const { status, output, error, errorCode, startedAt, endedAt, ownedMs } = record
  const head: HeadChange = {
    status,
    ownedMs,
    recoveries: 0,
    ...(startedAt !== undefined && { startedAt }),
    ...(output !== undefined && { output }),
    ...(error !== undefined && { error }),
    ...(errorCode !== undefined && { errorCode }),
    ...(endedAt !== undefined && { endedAt }),
  }
  await commit(writer, record, { head, closedSlots: closedSlotsOf(parts) })
}

/** Lets others have what was written. @throws LeaseLostError, StoreError */
export function openParts(writer: PartsWriter, record: ExecutionRecord): Promise<void> {
  return commit(writer, record, { head: { graphHash: record.graphHash, isReleased: true } })
}

interface Written {
  readonly steps?: ExecutionParts['steps']
  readonly checkpoints?: ExecutionParts['checkpoints']
  readonly receipts?: ExecutionParts['receipts']
  readonly head?: HeadChange
  readonly closedSlots?: readonly string[]
}

async function commit(
  { writes, owner, epoch = 1, now, sleep }: PartsWriter,
  { id }: ExecutionRecord,
  { steps = [], ...more }: Written,
): Promise<void> {
  for (let waitedMs = 0; ; waitedMs += 50) {
    const [answer] = await writes.commit([{ id, owner, epoch, at: now(), steps, ...more }])
    if (answer === true) return
    if (answer !== 'locked' || waitedMs >= longestLockMs)
      throw new LeaseLostError(`execution "${id}" could not be written: it is not its writer's any more`, {
        executionId: id,
      })
    await sleep(50)
  }
}

/** Slots of signals that were taken: a second one is a duplicate in the new store too. */
function closedSlotsOf({ steps, firstNames = {}, givenSignals = [] }: ExecutionParts): readonly string[] {
  // A slot that no signal has is closed for nothing, and nobody posts there. A step that waits for a signal is called what its type is called, and its slot what that was called first.
  const ended = steps.flatMap(({ step, item, type, endedAt }) =>
    item === '' && type !== '' && endedAt !== undefined ? [step] : [],
  )
  return [...new Set([...ended, ...givenSignals])].map((name) => signalSlot({ type: firstNames[name] ?? name }))
}

function newExecutionOf(record: ExecutionRecord): NewExecution {
  const { id, kind, graph, target, requestDigest, inputs, headers, graphHash, machineVersion, parent, forkedFrom } =
    record
  const { timeoutMs, deadline, queue, priority, key, startAt, owner, createdAt, startedAt } = record
  return {
    id,
    kind,
    graph,
    target,
    requestDigest,
    inputs,
    headers,
    graphHash,
    machineVersion,
    parent,
    forkedFrom,
    timeoutMs,
    deadline,
    queue,
    priority,
    key,
    startAt,
    owner,
    createdAt,
    startedAt,
  }
}
