import { requireLength } from '../../core/check-length.ts'
import type { LimitingStore } from '../../core/check-length.ts'
import { requireReturnedName } from '../../core/check-name.ts'
import { describe } from '../../core/check-options.ts'
import type { AnyDataType } from '../../core/language/data-type.ts'
import { durationMs } from '../../core/duration.ts'
import { InputError, OptionError } from '../../core/errors.ts'
import type { AnyGraph } from '../../core/graph/graph-index.ts'
import type { StepRecord } from '../../core/contracts/execution-record.ts'
import type { StoredValue, ValueFormat } from '../../core/contracts/stored-value.ts'
import { withoutSensitiveParts } from '../../core/values/plain-data.ts'
import { createValueEncoding } from '../../core/values/value-encoding.ts'
import type { ValueEncoding } from '../../core/values/value-encoding.ts'
import { batchFrameOf } from '../../runtime/batch/batch-options.ts'
import type { BatchOptions } from '../../runtime/batch/batch-options.ts'
import type { ItemRead } from '../../runtime/batch/item-inputs.ts'
import { drawnArgsFor, filledWith } from '../../runtime/inputs/drawn-args.ts'
import { turnOf } from '../../runtime/environment/turn.ts'
import type { Turn } from '../../runtime/environment/turn.ts'
import { patienceMs } from '../../runtime/store-access/store-patience.ts'
import type { DocketContext } from '../context/docket-context.ts'
import { parkingOf } from '../context/parking-of.ts'
import { callerOptionsOf } from '../context/start-options.ts'
import type { StartOptions } from '../context/start-options.ts'
import { ownershipRightOf } from '../ownership/ownership-right.ts'
import { OwnedBatch } from '../ownership/owned-batch.ts'
import { digestOfBatch, digestOfItems, itemsPerDigest } from '../records/batch-digest.ts'
import { graphHashOf } from '../records/graph-hash.ts'
import { machineVersion } from '../records/machine-version.ts'
import { chunksOf, itemsStep } from '../records/batch-items.ts'
import type { BatchItems, ItemsChunk } from '../records/batch-items.ts'
import { outcomeRecordOf } from '../records/outcome-record.ts'
import { isSensitiveIn, sensitiveMark } from '../records/sensitive-types.ts'
import type { BatchHead } from '../records/batch-head.ts'
import { boundsOf, deadlineOnceBegun, latestEndOf, storedLimitsOf } from '../records/stored-limits.ts'
import { encodedDocument, waitsMark } from '../records/stored-inputs.ts'
import { namesAtStart } from '../records/stored-names.ts'
import { headersOut } from './headers-out.ts'
import type { StartRequest } from './execution-request.ts'
import { placeInQueue, withDrawnPlace } from './place-in-queue.ts'

/** How a durable batch runs. */
export type StartBatchOptions = Omit<StartOptions, 'key'> &
  Pick<BatchOptions, 'shared' | 'overrides' | 'concurrency' | 'onError'> & {
    /** Names an item in the records: what it is found by after a restart. @default its index */
    readonly key?: ((item: never, index: number) => string) | undefined
    /** The key that the batch itself is in turn with, among other executions of its queue, and by which `onBusy` knows it among batches of its graph. @default none */
    readonly queueKey?: string | undefined
  }

const chunkBytes = 1024 * 1024
const itemsPerChunk = 1_000

/** Prepares a batch. @throws GraphError, InputError, OptionError, SerializationError */
export async function batchRequest(
  context: DocketContext,
  graph: AnyGraph,
  target: AnyDataType,
  given: readonly unknown[],
  { key, queueKey, queue, priority, startAt, eager, ...asGiven }: StartBatchOptions,
): Promise<StartRequest> {
  context.requireOpen()
  const own = context.requireGraph(graph)
  const options = { ...asGiven, headers: headersOut(context, own, asGiven.headers, false) }
  const id = options.id ?? context.newId()
  requireLength(context.connection.store, 'executionId', 'startBatch: execution id', id)
  const { maxPending, maxRunning, ...ofFrame } = options
  const frame = batchFrameOf('startBatch', own, target, { ...ofFrame, id, app: context.options.app })
  if (!Array.isArray(given)) {
    const message = `items must be an array, not ${describe(given)}`
    throw new InputError('INPUT_INVALID', `startBatch: ${message}`, [{ message, path: [] }], { graph: graph.name })
  }
  const items = itemsWithArgs(graph, target, given, options.shared)
  const { drawing } = frame.plan.whole.index
  const place = placeInQueue(context, withDrawnPlace({ queue, priority, startAt, key: queueKey }, drawing))
  const deadlineAt = context.deadlineOf(options)
  const { encoding, clock, store } = context.connection
  const turn = turnOf(clock)
  const keys = await keysOf(items, key, turn, store)
  // Some stores know how they write values only once they are open.
  await context.connection.readyBy(clock.elapsed() + patienceMs)
  const { shared = {}, overrides, concurrency = 100, onError = 'fail' } = options
  const isOverriding = overrides !== undefined && Object.values(overrides).some((value) => value !== undefined)
  const digests: string[] = []
  const chunks = new Chunks(id, context.options.maxValueBytes, store.format)
  const once = { shared, overrides: isOverriding ? overrides : undefined, onError }
  let requestDigest: string
  try {
    for (const [index, item] of items.entries()) {
      if (turn.mustYield()) await turn.next()
      if (index % itemsPerDigest === 0) digests.push(digestOfItems({ keys, items }, index))
      chunks.add(keys[index]!, item)
    }
    requestDigest = encoding.resultKey(digestOfBatch(target.name, once, digests, drawing))
  } catch (error) {
    throw withoutSensitiveParts(error, isSensitiveIn(frame.plan.whole))
  }
  const parts = { items, keys, chunkEnds: chunks.ends() }
  let reads: readonly ItemRead[] | undefined
  return {
    id,
    graph: graph.name,
    target: target.name,
    requestDigest,
    caller: { ...callerOptionsOf(options, deadlineAt), batch: parts },
    place,
    isEager: eager !== false,
    newRecord: async (owner) => {
      // Where one wrong item fails the batch, it does so before anything is written.
      if (!frame.collects) reads = await frame.inputs.readAll(items, turn)
      const names = namesAtStart(frame.plan.whole.index)
      const createdAt = context.turns.creationTime(clock.now())
      const deadline = deadlineAt()
      const limits = storedLimitsOf({ maxPending, maxRunning }, context.options, deadline)
      // The store is open: its time is read once, from here on.
      const stored = { ...place }
      const head: BatchHead = {
        shared,
        ...(isOverriding && { overrides }),
        leaves: frame.inputs.names,
        concurrency,
        onError,
        total: items.length,
        ...(names !== undefined && { $names: names }),
        ...(limits !== undefined && { $limits: limits }),
        ...(drawing !== undefined && { $drawing: drawing }),
        ...sensitiveMark(frame.plan.whole),
        ...waitsMark(frame.plan.whole),
      }
      return {
        id,
        kind: 'batch',
        graph: graph.name,
        target: target.name,
        requestDigest,
        inputs: await encodedDocument(encoding, head, id, frame.plan.whole),
        headers: options.headers,
        graphHash: graphHashOf(frame.plan.whole.index),
        machineVersion,
        parent: undefined,
        forkedFrom: undefined,
        ...stored,
        timeoutMs: options.timeout === undefined ? undefined : durationMs(options.timeout),
        deadline:
          limits === undefined
            ? deadline
            : latestEndOf(limits, { createdAt, startedAt: undefined, startAt: stored.startAt }),
        owner,
        createdAt,
        // Not before its items are written.
        startedAt: undefined,
        // Whoever begins it finds them.
        ...(owner === undefined && { steps: await itemRecords(context, { id, target: target.name }, parts) }),
      }
    },
    begin: async (created) => {
      const record = { ...created, epoch: 1, ownedMs: 0, recoveries: 0 }
      const resolved = context.optionsOf(frame.plan.whole, { ...options, id, deadline: created.deadline })
      const limits = storedLimitsOf({ maxPending, maxRunning }, context.options, deadlineAt())
      const times = { createdAt: created.createdAt, startedAt: undefined, deadline: resolved.deadline }
      const owned = new OwnedBatch({
        connection: context.connection,
        frame: { ...frame, options: { ...resolved, ...boundsOf(times, limits, clock.now()) } },
        deadlineOnceBegun: deadlineOnceBegun(times, limits),
        ...parts,
        reads,
        requestDigest,
        setup: context.setup,
        inspect: context.inspect,
        right: ownershipRightOf(record, resolved.timeoutMs),
        startedAt: undefined,
        restored: undefined,
        pages: context.pagesOf(id),
        onRefused: () => context.refused(id),
        ...parkingOf(context, { id, graph: graph.name, queue: place.queue }, options),
        onGone: (gone) => context.leave(gone),
      })
      if (context.enter(owned)) await owned.written
      else await context.releaseIfClosing({ ...record, owner: created.owner })
    },
  }
}

/** Arguments that stand in a workflow are each item's own: they are stored with it. */
function itemsWithArgs(
  graph: AnyGraph,
  target: AnyDataType,
  items: readonly unknown[],
  shared: object = {},
): readonly unknown[] {
  const args = [...drawnArgsFor(graph, target)].filter(([name]) => !Object.hasOwn(shared, name))
  return args.length === 0 ? items : items.map((item) => filledWith(new Map(args), item))
}

/** The records that have a batch's items, where it does not begin at once. @throws SerializationError */
function itemRecords(
  { connection }: DocketContext,
  { id, target }: { readonly id: string; readonly target: string },
  parts: BatchItems & { readonly chunkEnds: readonly number[] },
): Promise<readonly StepRecord[]> {
  const record = (value: ItemsChunk, index: number): Promise<StepRecord> =>
    outcomeRecordOf(connection, { id, target, life: 1 }, { step: itemsStep, item: String(index) }, { value })
  return Promise.all(chunksOf(parts).map(record))
}

/** Cuts a batch's items into chunks that can be stored: not too many, and not too big. */
class Chunks {
  readonly #id: string
  readonly #encoding: ValueEncoding
  readonly #maxBytes: number
  readonly #ends: number[] = []
  #count = 0
  #bytes = 0
  #total = 0

  constructor(id: string, maxBytes: number | undefined, format: ValueFormat | undefined) {
    this.#id = id
    // Without codecs: what they make of a value is not known before, and costs more.
    this.#encoding = createValueEncoding({ format, maxBytes })
    this.#maxBytes = Math.min(chunkBytes, maxBytes ?? Infinity)
  }

  /** @throws SerializationError for an item that can't be stored */
  add(key: string, item: unknown): void {
    // A chunk of several is no bigger than chunks of one are together.
    const alone: ItemsChunk = { at: this.#total, keys: [key], items: [item] }
    const encoded = this.#encoding.encode(alone, ['execution', this.#id, 'item', key]) as StoredValue
    const bytes = typeof encoded === 'string' ? Buffer.byteLength(encoded) : encoded.length
    if (this.#count > 0 && (this.#count === itemsPerChunk || this.#bytes + bytes > this.#maxBytes)) this.#cut()
    this.#count++
    this.#total++
    this.#bytes += bytes
  }

  ends(): readonly number[] {
    if (this.#count > 0) this.#cut()
    return this.#ends
  }

  #cut(): void {
    this.#ends.push(this.#total)
    this.#count = this.#bytes = 0
  }
}

async function keysOf(
  items: readonly unknown[],
  key: StartBatchOptions['key'],
  turn: Turn,
  store: LimitingStore,
): Promise<readonly string[]> {
  if (key !== undefined && typeof key !== 'function')
    throw new OptionError(`startBatch: key must be a function of an item, not ${describe(key)}`)
  const seen = new Map<string, number>()
  const names: string[] = []
  for (const [index, item] of items.entries()) {
    if (turn.mustYield()) await turn.next()
    const name =
      key === undefined
        ? String(index)
        : requireReturnedName(`startBatch: for item ${index}, key`, key(item as never, index))
    requireLength(store, 'item', `startBatch: the key of item ${index}`, name)
    const twin = seen.get(name)
    if (twin !== undefined)
      throw new OptionError(
        `startBatch: items ${twin} and ${index} have the same key "${name}"; after a restart nothing would distinguish them; give each a key of its own`,
      )
    seen.set(name, index)
    names.push(name)
  }
  return names
}
