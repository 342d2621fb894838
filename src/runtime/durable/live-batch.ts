import type { ExecutionCancelledError, LeaseLostError } from '../../core/errors.ts'
import type { StepRecord } from '../../core/store.ts'
import type { BatchFrame } from '../batch-options.ts'
import type { DurableParts, ItemOutcome } from '../batch-setup.ts'
import { Batch } from '../batch.ts'
import type { Emitter } from '../emitter.ts'
import type { ExecutionSetup } from '../execution-setup.ts'
import type { ItemRead } from '../item-inputs.ts'
import { sourceOfArray } from '../item-source.ts'
import type { PersistedExecution } from '../persisted-execution.ts'
import { ExecutionRecorder } from './execution-recorder.ts'
import type { Holding } from './execution-recorder.ts'
import { itemsStep, itemStep, targetStep } from './restored-batch.ts'
import type { ItemsChunk, RestoredBatch } from './restored-batch.ts'
import type { StoreConnection } from './store-connection.ts'
import { Tenure } from './tenure.ts'
import type { Departure, Live } from './tenure.ts'

/** What a batch that lives here is made of. */
export interface LiveBatchParts {
  readonly connection: StoreConnection
  readonly frame: BatchFrame
  readonly items: readonly unknown[]
  /** The items' names in the records. */
  readonly keys: readonly string[]
  /** The items read and checked, where that was done before. */
  readonly reads?: readonly ItemRead[] | undefined
  readonly asked: string
  readonly setup: Pick<ExecutionSetup, 'shared' | 'persistOf'>
  readonly holding: Holding
  readonly startedAt: number | undefined
  readonly restored: RestoredBatch | undefined
  /** Told when the store knows a newer owner or epoch. */
  readonly onRefused: () => void
  readonly onGone: (live: Live) => void
}

const itemsPerChunk = 1_000

/** A batch that this process owns, and its records. */
export class LiveBatch implements Live, DurableParts {
  readonly id: string
  readonly graph: string
  readonly target: string
  readonly asked: string
  readonly actor: undefined
  /** Resolves when its items are written: then it survives this process. */
  written: Promise<void> = Promise.resolve()
  readonly #parts: LiveBatchParts
  readonly #recorder: ExecutionRecorder
  readonly #tenure: Tenure
  readonly #batch: Batch
  readonly #results: unknown[]
  /** Whether what an item comes to has a record of its own: where no persisted step makes it. */
  readonly #notesOutcomes: boolean
  /** Whether all items come to the same, made by steps that they share. */
  readonly #isTargetShared: boolean
  #hasNotedTarget = false
  #notes: Promise<unknown> = Promise.resolve()

  constructor(parts: LiveBatchParts) {
    const { frame, items, connection, holding, setup } = parts
    const { plan, collects, inputs, options } = frame
    this.#parts = parts
    this.id = holding.id
    this.graph = plan.whole.index.graph.name
    this.target = plan.whole.target.name
    this.asked = parts.asked
    this.#recorder = new ExecutionRecorder(connection, holding, () => {
      parts.onRefused()
      this.lose()
    })
    this.#results = new Array<unknown>(items.length)
    const producer = plan.whole.steps[plan.whole.producers[plan.whole.targetSlot]!]?.spec
    this.#isTargetShared = plan.imports.includes(plan.shared.slots.get(this.target) ?? -1)
    this.#notesOutcomes = producer === undefined || (producer.persist ?? setup.persistOf?.(producer)) === undefined
    this.#batch = new Batch({
      ...frame,
      cache: undefined,
      durable: this,
      source: sourceOfArray(items),
      read: (given, item) => parts.reads?.[item] ?? inputs.read(given, item),
      hasRoom: () => true,
      onItem: (item, outcome) => {
        this.#results[item] = collects ? outcome : outcome.value
        this.#note(item, outcome)
      },
      onCompleted: () => void this.#complete(),
      onFailed: (error) => void this.#tenure.failed(error),
    })
    const tenant = {
      id: this.id,
      place: { graph: this.graph, executionId: this.id },
      emitter: options.emitter,
      end: (reason: LeaseLostError) => this.#batch.cancel(reason),
      onGone: () => parts.onGone(this),
    }
    this.#tenure = new Tenure(tenant, connection, this.#recorder)
  }

  get owner(): string {
    return this.#parts.holding.owner
  }

  get epoch(): number {
    return this.#parts.holding.epoch
  }

  get emitter(): Emitter | undefined {
    return this.#parts.frame.options.emitter
  }

  get departure(): Promise<Departure> {
    return this.#tenure.departure
  }

  get gone(): Promise<void> {
    return this.#tenure.gone
  }

  get hasEnded(): boolean {
    return this.#batch.hasEnded
  }

  get isQuiet(): boolean {
    return this.#tenure.hasDeparted || (this.#recorder.isIdle && !this.#batch.isRunning)
  }

  get suspect(): string | undefined {
    return undefined
  }

  start(): void {
    const { restored, startedAt, connection } = this.#parts
    if (startedAt === undefined)
      this.#recorder.change({ status: 'running', startedAt: connection.clock.now() }).catch(() => {})
    if (restored !== undefined) {
      this.#batch.start()
      return
    }
    this.written = this.#writeItems()
    this.written.then(
      () => this.#batch.start(),
      (error: unknown) => void this.#tenure.failed(error),
    )
  }

  cancel(error: ExecutionCancelledError): void {
    this.#batch.cancel(error)
  }

  consume(seq: number): void {
    this.#recorder.change({}, seq).catch(() => {})
  }

  lose(): void {
    this.#tenure.lose()
  }

  pause(): void {
    this.#batch.isPaused = true
  }

  async handOver(): Promise<void> {
    if (!this.#batch.hasEnded) await this.#tenure.handOver()
  }

  setupOf(item: number | undefined): Partial<ExecutionSetup> {
    const itemKey = item === undefined ? undefined : this.#parts.keys[item]
    return { ...this.#parts.setup, recorder: this.#recorder, itemKey }
  }

  restoredOf(item: number | undefined): PersistedExecution | undefined {
    const steps = this.#parts.restored?.views.get(item === undefined ? '' : this.#parts.keys[item]!)
    if (steps === undefined) return undefined
    const { id: executionId, graph, target } = this
    const head = { executionId, graph, target, total: 0, settled: 0, startedAt: undefined, endedAt: undefined }
    return { value: 'pending', head, input: undefined, output: undefined, error: undefined, steps }
  }

  outcomeOf(item: number): ItemOutcome | undefined {
    return this.#parts.restored?.outcomes.get(this.#parts.keys[item]!)
  }

  /** Nothing runs before all items are written: another process could not go on. */
  async #writeItems(): Promise<void> {
    const { items, keys } = this.#parts
    for (let start = 0; start < items.length; start += itemsPerChunk) {
      const chunk: ItemsChunk = {
        keys: keys.slice(start, start + itemsPerChunk),
        items: items.slice(start, start + itemsPerChunk),
      }
      await this.#recorder.write([await this.#recordOf(itemsStep, String(start / itemsPerChunk), { value: chunk })])
    }
  }

  #note(item: number, outcome: ItemOutcome): void {
    if (!this.#notesOutcomes && 'value' in outcome) return
    if (this.#isTargetShared && 'value' in outcome) {
      if (!this.#hasNotedTarget) this.#write(this.#recordOf(targetStep, '', outcome))
      this.#hasNotedTarget = true
      return
    }
    if (this.outcomeOf(item) !== undefined) return
    this.#write(this.#recordOf(itemStep, this.#parts.keys[item]!, outcome))
  }

  /** Writes a record that the batch's end waits for. */
  #write(record: Promise<StepRecord>): void {
    const note = record.then((made) => this.#recorder.write([made]))
    const notes = Promise.all([this.#notes, note])
    notes.catch(() => {})
    this.#notes = notes
  }

  async #complete(): Promise<void> {
    const { clock } = this.#parts.connection
    try {
      await this.#notes
      const { ownedMs } = this.#recorder
      await this.#recorder.change({ status: 'completed', endedAt: clock.now(), ownedMs, isReleased: true })
      this.#tenure.completed(this.#results)
    } catch (error) {
      await this.#tenure.failed(error)
    }
  }

  async #recordOf(step: string, item: string, outcome: ItemOutcome): Promise<StepRecord> {
    const { encoding, clock } = this.#parts.connection
    const identity = ['step', this.id, step, item]
    const isDone = 'value' in outcome
    return {
      step,
      item,
      status: isDone ? 'completed' : 'failed',
      attempt: 1,
      inputHash: undefined,
      type: step === itemsStep ? itemsStep : this.target,
      typeVersion: undefined,
      output: isDone ? await encoding.encode(outcome.value, [...identity, 'output']) : undefined,
      error: isDone ? undefined : await encoding.encodeError(outcome.error, [...identity, 'error']),
      startedAt: undefined,
      endedAt: clock.now(),
      dueAt: undefined,
    }
  }
}
