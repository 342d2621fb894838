import { ExecutionConflictError, LeaseLostError, StoreError } from '../../core/errors.ts'
import type { AnyGraph } from '../../core/graph/graph-index.ts'
import { requireIndex } from '../../core/graph/plan.ts'
import type { AcquiredExecution, ExecutionRecord, StepRecord } from '../../core/contracts/store.ts'
import { Emitter } from '../../runtime/execution/emitter.ts'
import { deadlineMs } from '../../runtime/environment/time-limit.ts'
import type { DurableRuntime } from '../context/docket-context.ts'
import type { CallerOptions } from '../start/execution-request.ts'
import { unwrittenFork } from '../start/fork-execution.ts'
import { graphHashOf } from '../records/graph-hash.ts'
import { droppedType, migrateRecords } from '../records/migrate-records.ts'
import type { MigratedRecords } from '../records/migrate-records.ts'
import { reviveBatch } from './batch-from-records.ts'
import { reviveExecution } from './execution-from-records.ts'
import type { Revival } from './execution-from-records.ts'
import type { ResumeCause } from '../records/restore-execution.ts'

const defaultMaxRecoveries = 10

/** Goes on with executions that this process has just acquired. */
export class Resumption {
  readonly #runtime: DurableRuntime

  constructor(runtime: DurableRuntime) {
    this.#runtime = runtime
  }

  /** Goes on with several; gives those that run here now. */
  async resume(acquired: readonly AcquiredExecution[]): Promise<readonly string[]> {
    if (acquired.length === 0) return []
    const { arrivals } = this.#runtime
    for (const { execution } of acquired) arrivals.overtake(execution.id)
    const reading = this.#readSteps(acquired.map(({ execution }) => execution.id))
    // Told by those who ask for it, which may be later.
    reading.catch(() => {})
    // In turn with whoever starts one of them here at this moment: acquired a second time, it would lose what it has just begun.
    const resumed = await Promise.all(
      acquired.map(({ execution, wasLost }) =>
        arrivals.inTurn(execution.id, async () => {
          const steps = await (await reading)(execution.id)
          if (!(steps instanceof StoreError)) return this.#resume(execution, steps, wasLost ? 'death' : 'release')
          this.#leave(execution, [steps.message])
          await this.#runtime.change(execution, { isReleased: true })
          return false
        }),
      ),
    )
    return acquired.flatMap(({ execution }, index) => (resumed[index] === true ? [execution.id] : []))
  }

  /**
   * Reads the steps of several; where the store refuses that, of each for itself: the damaged records of one must not keep others
   * from going on. A StoreError stands for those that can't be read.
   */
  async #readSteps(
    ids: readonly string[],
  ): Promise<(id: string) => readonly StepRecord[] | StoreError | Promise<readonly StepRecord[] | StoreError>> {
    try {
      const steps = await this.#runtime.readSteps(ids)
      return (id) => steps.get(id) ?? []
    } catch (error) {
      if (!(error instanceof StoreError) || error.isTransient) throw error
      // No execution has this id: if even that is refused, it is the store that needs repair, not a record.
      await this.#runtime.readSteps([''])
      return ids.length === 1 ? () => error : async (id) => (await this.#readSteps([id]))(id)
    }
  }

  /** Goes on with one. @throws ExecutionConflictError when its records don't fit */
  async resumeOne({ execution }: AcquiredExecution, cause: ResumeCause, watch?: CallerOptions): Promise<void> {
    const { id, graph } = execution
    try {
      const steps = await this.#runtime.readSteps([id])
      if (await this.#resume(execution, steps.get(id) ?? [], cause, watch)) return
    } catch (error) {
      // The caller is told; others must not wait for a process that has it and does not run it.
      if (!this.#runtime.live.has(id)) this.#runtime.change(execution, { isReleased: true }).catch(() => {})
      throw error
    }
    const reasons = this.#runtime.incompatible.reasonsOf(id) ?? [`this docket does not know graph "${graph}"`]
    throw new ExecutionConflictError(`execution "${id}" can't go on in this process: ${reasons.join('; ')}`, {
      graph,
      executionId: id,
    })
  }

  /** False if the records don't fit: then the execution is given up, for others. */
  async #resume(
    found: ExecutionRecord,
    steps: readonly StepRecord[],
    cause: ResumeCause,
    watch?: CallerOptions,
  ): Promise<boolean> {
    const { graphs, incompatible, clock, options, connection, live: living } = this.#runtime
    // While its records were read, the right to it was lost, or it has begun here by another way: they tell nothing any more.
    if (found.owner !== connection.session.owner) return true
    if ((living.get(found.id)?.epoch ?? 0) >= found.epoch) return true
    // Who asks for one that has ended may give it more time: the old deadline may be what it ended by.
    const deadline = cause === 'end' ? deadlineMs(watch?.deadline) : undefined
    const record = deadline === undefined ? found : { ...found, deadline }
    if (record.graphHash === unwrittenFork) {
      const message = `the process that forked "${record.parent}" died before "${record.id}" had its records; fork again`
      await this.#runtime.end(record, 'failed', new ExecutionConflictError(message, { executionId: record.id }))
      return true
    }
    const graph = graphs.get(record.graph)
    const revival = graph === undefined ? undefined : await this.#revive(record, steps, graph, cause, watch)
    if (revival === undefined) {
      await this.#runtime.change(record, { isReleased: true })
      return false
    }
    if (cause === 'end') await this.#reopen(record, deadline)
    incompatible.delete(record.id)
    if (cause === 'death' && record.recoveries > (options.maxRecoveries ?? defaultMaxRecoveries)) {
      await this.#giveUp(record)
      return true
    }
    const live = revival.live(
      cause === 'end' ? { ...record, ownedMs: 0, recoveries: 0, startedAt: clock.now() } : record,
      watch,
    )
    const { target, emitter } = live
    const { restored } = revival
    const isHere = this.#runtime.enter(live, () =>
      emitter?.durable(clock.now(), { type: 'execution.resumed', target, after: cause, restored }),
    )
    if (isHere) await live.written
    return true
  }

  async #revive(
    record: ExecutionRecord,
    steps: readonly StepRecord[],
    graph: AnyGraph,
    cause: ResumeCause,
    watch: CallerOptions | undefined,
  ): Promise<Exclude<Revival, { reasons: unknown }> | undefined> {
    const { connection, options } = this.#runtime
    let reasons: readonly string[]
    try {
      const hook = options.migrate?.[graph.name]
      const graphHash = graphHashOf(requireIndex(graph))
      const isSame = graphHash === record.graphHash
      const migrated =
        isSame || hook === undefined ? undefined : await migrateRecords(hook, record, steps, connection.encoding)
      const { execution, steps: records } = migrated ?? { execution: record, steps }
      const revive = record.kind === 'batch' ? reviveBatch : reviveExecution
      const revival = await revive(this.#runtime, execution, records, graph, cause, watch)
      if (!('reasons' in revival)) {
        if (!isSame) await this.#keep(record, steps, migrated, graphHash)
        return revival
      }
      reasons = revival.reasons
    } catch (error) {
      if (error instanceof StoreError || error instanceof LeaseLostError) throw error
      reasons = [error instanceof Error ? error.message : String(error)]
    }
    this.#leave(record, reasons)
    return undefined
  }

  /** Remembers that an execution can't go on here, and tells why. */
  #leave(record: ExecutionRecord, reasons: readonly string[]): void {
    const { graphs, incompatible, clock, options } = this.#runtime
    incompatible.add(record.id, reasons)
    const observers = [...(graphs.get(record.graph)?.observers ?? []), ...(options.observers ?? [])]
    if (observers.length > 0)
      new Emitter(record.id, record.graph, record.target, observers).durable(clock.now(), {
        type: 'execution.incompatible',
        reasons,
      })
  }

  /** The records as they fit now: from here on they are the execution's. */
  async #keep(
    record: ExecutionRecord,
    steps: readonly StepRecord[],
    migrated: MigratedRecords | undefined,
    graphHash: string,
  ): Promise<void> {
    if (migrated === undefined) {
      await this.#runtime.change(record, { graphHash })
      return
    }
    // A target is not rewritten: such an execution is migrated each time that it goes on.
    if (migrated.execution.target !== record.target) return
    const names = new Set(migrated.steps.map(({ step }) => step))
    const dropped = steps
      .filter(({ step }) => !names.has(step))
      .map((step) => ({ ...step, type: droppedType, typeVersion: undefined, output: undefined, error: undefined }))
    const { inputs } = migrated.execution
    await this.#runtime.change(record, { graphHash, inputs }, undefined, [...dropped, ...migrated.steps])
  }

  /** An execution that had ended begins again; what was said to its last life is not meant for this one. */
  async #reopen(record: ExecutionRecord, deadline: number | undefined): Promise<void> {
    const { connection, clock } = this.#runtime
    const mail = await connection.store.readMail(record.owner!, 1_000)
    const old = mail.filter(({ execution }) => execution === record.id).map(({ seq }) => seq)
    const begun = { status: 'running', startedAt: clock.now(), ownedMs: 0, recoveries: 0 } as const
    const head = { ...begun, error: undefined, endedAt: undefined, ...(deadline !== undefined && { deadline }) }
    await this.#runtime.change(record, head, old.length === 0 ? undefined : Math.max(...old))
  }

  async #giveUp(record: ExecutionRecord): Promise<void> {
    const { id, graph, recoveries } = record
    const error = new LeaseLostError(
      `execution "${id}" was given up: ${recoveries} processes that ran it died one after another without completing a step (maxRecoveries is ${this.#runtime.options.maxRecoveries ?? defaultMaxRecoveries})`,
      { graph, executionId: id },
    )
    await this.#runtime.end(record, 'failed', error)
  }
}
