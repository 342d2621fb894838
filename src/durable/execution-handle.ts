import type { Snapshot } from 'xstate'
import { ExecutionCancelledError, ExecutionConflictError, OptionError } from '../core/errors.ts'
import { isTerminal } from '../core/contracts/statuses.ts'
import type { ExecutionRecord } from '../core/contracts/store.ts'
import type { DurableRuntime } from './context/docket-context.ts'
import { infoOf, isKnown, stepInfosOf, unknownStatus } from './records/execution-info.ts'
import type { ExecutionDetails } from './records/execution-info.ts'
import type { LiveActor } from './ownership/owned-execution.ts'
import { batchOutputOf } from './records/restore-batch.ts'

const firstPollMs = 20
const longestPollMs = 500

/** One durable execution, wherever it runs. */
export class ExecutionHandle<Output> {
  readonly id: string
  readonly #runtime: DurableRuntime

  constructor(runtime: DurableRuntime, id: string) {
    this.#runtime = runtime
    this.id = id
  }

  /** The execution's actor while it lives in this process; undefined otherwise. */
  get actor(): LiveActor | undefined {
    return this.#runtime.live.get(this.id)?.actor
  }

  /**
   * The execution's value, as soon as there is one, wherever it is made.
   * @throws (as rejection) what the execution failed with: StepError, ExecutionTimeoutError, ExecutionCancelledError (after a
   * restart, an Error of that name and with its fields); ExecutionConflictError when it was deleted; StoreError
   */
  async result(): Promise<Output> {
    const { connection, live } = this.#runtime
    for (let pauseMs = 0; ; pauseMs = Math.min(Math.max(firstPollMs, pauseMs * 2), longestPollMs)) {
      const departure = await live.get(this.id)?.departure
      if (departure?.type === 'output') return departure.output as Output
      if (departure?.type === 'error') throw departure.error
      if (pauseMs > 0) await this.#pause(pauseMs)
      if (live.has(this.id)) continue
      connection.requireOpen()
      const record = await this.#record()
      if (record === undefined) throw this.#gone()
      if (isTerminal(record.status)) return (await this.#outcomeOf(record)) as Output
      if (!isKnown(record.status)) throw new ExecutionConflictError(unknownStatus(record), { executionId: this.id })
      if (this.#runtime.isClosing) throw closed()
    }
  }

  /** Ends the execution wherever it runs: at once here, in a moment elsewhere. Does nothing to one that has ended. */
  async cancel(reason?: unknown): Promise<void> {
    const error = new ExecutionCancelledError(
      `execution "${this.id}" was cancelled on request`,
      { executionId: this.id },
      reason === undefined ? undefined : { cause: reason },
    )
    const live = this.#runtime.live.get(this.id)
    if (live !== undefined) {
      live.cancel(error)
      await live.departure
      return
    }
    await this.#runtime.connection.ready()
    for (;;) {
      const [record] = await this.#runtime.connection.store.get([this.id])
      if (record === undefined) throw this.#gone()
      if (isTerminal(record.status)) return
      if (await this.#runtime.cancelUnowned(this.id, error)) return
      if (await this.#runtime.post(this.id, 'cancel', reason)) return
    }
  }

  /** What is known of it: status, inputs, output, error, times, and its steps' records. */
  async details(): Promise<ExecutionDetails> {
    const { connection, incompatible } = this.#runtime
    await connection.ready()
    const [record] = await connection.store.get([this.id])
    if (record === undefined) throw this.#gone()
    const steps = (await this.#runtime.readSteps([this.id])).get(this.id) ?? []
    const info = await infoOf(record, connection.encoding, incompatible.toldOf(record))
    return { ...info, steps: await stepInfosOf(record, steps, connection.encoding) }
  }

  /** The actor's snapshot; undefined where the execution does not live in this process. */
  getSnapshot(): ReturnType<LiveActor['getSnapshot']> | undefined {
    return this.actor?.getSnapshot()
  }

  /** The actor's snapshot as JSON-safe data in XState's shape; undefined where it does not live in this process. */
  getPersistedSnapshot(): Snapshot<unknown> | undefined {
    return this.actor?.getPersistedSnapshot()
  }

  /** Tells each snapshot while the execution lives in this process. */
  subscribe(listener: (snapshot: ReturnType<LiveActor['getSnapshot']>) => void): { unsubscribe(): void } {
    return this.actor?.subscribe({ next: listener, error: () => {} }) ?? { unsubscribe: () => {} }
  }

  async #outcomeOf(record: ExecutionRecord): Promise<unknown> {
    const { id, status, output, error } = record
    const { encoding } = this.#runtime.connection
    if (status === 'completed' && record.kind === 'batch') {
      const steps = (await this.#runtime.readSteps([id])).get(id) ?? []
      try {
        return await batchOutputOf(record, steps, encoding)
      } catch (error) {
        // Deleted since its record was read, it is gone, not damaged.
        const now = await this.#record()
        throw now?.createdAt === record.createdAt && now.epoch === record.epoch ? error : this.#gone()
      }
    }
    if (status === 'completed')
      return output === undefined ? undefined : encoding.decode(output, ['execution', id, 'output'])
    if (error === undefined) throw new ExecutionCancelledError(`execution "${id}" is ${status}`, { executionId: id })
    throw await encoding.decodeError(error, ['execution', id, 'error'])
  }

  async #record(): Promise<ExecutionRecord | undefined> {
    try {
      return await this.#runtime.connection.gets.add(this.id, this.#runtime.clock.now() + 30_000)
    } catch (error) {
      throw this.#runtime.isClosing ? closed() : error
    }
  }

  #pause(ms: number): Promise<void> {
    const { clock, connection, live } = this.#runtime
    return new Promise((resolve) => {
      const done = (): void => {
        clock.clearTimeout(timer)
        unlisten()
        resolve()
      }
      const unlisten = connection.listen((hint) => {
        if (hint.type === 'ended' && hint.execution === this.id) done()
      })
      const timer = clock.setTimeout(done, ms)
      if (live.has(this.id)) done()
    })
  }

  #gone(): ExecutionConflictError {
    return new ExecutionConflictError(`there is no execution "${this.id}": it was deleted, or never started`, {
      executionId: this.id,
    })
  }
}

function closed(): OptionError {
  return new OptionError('this docket is closed; ask another one for the result')
}
