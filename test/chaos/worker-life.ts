import { DocketError } from '../../src/index.ts'
import type { Docket, ExecutionEvent } from '../../src/index.ts'
import type { Mark } from './chaos-graphs.ts'
import type { ChaosLog, LogLine } from './chaos-log.ts'

const parks = [100, 300, 1_500, 10_000]

/** After how long a worker parks what only waits, in milliseconds: by its number, so that in each storm some do it soon. */
export const parkOf = (worker: string): number => parks[(Number(worker.slice(1)) - 1) % parks.length]!

/** What a worker says of the executions that it starts, and how it ends: at a signal, or with its parent. */
export class WorkerLife {
  readonly #log: ChaosLog
  #isClosing = false

  constructor(log: ChaosLog) {
    this.#log = log
  }

  /** Whether it still takes orders, as the log has it. */
  get when(): 'open' | 'closing' {
    return this.#isClosing ? 'closing' : 'open'
  }

  /** Writes down that an execution has ended, or is not this worker's any more. */
  noteEnd(event: ExecutionEvent): void {
    if (event.type === 'execution.ended')
      this.#log.write('ended', { execution: event.executionId, text: `${event.status}${describe(event.error)}` })
    if (event.type === 'execution.released' && event.cause === 'lease-lost')
      this.#log.write('lost', { execution: event.executionId })
  }

  /** Starts an execution, and writes down what becomes of the call; `refusedWhen` says of a refusal when it was. */
  async follow(
    execution: string,
    start: () => Promise<{ result(): Promise<unknown> }>,
    lineOf: (value: unknown) => Pick<LogLine, 'tag' | 'n' | 'text'>,
    refusedWhen: (error: unknown) => string = () => this.when,
  ): Promise<void> {
    const log = this.#log
    try {
      const handle = await start()
      log.write('accepted', { execution })
      await handle.result().then(
        (value) => log.write('result', { execution, ...lineOf(value) }),
        (error: unknown) => log.write('no-result', { execution, text: `${this.when}${describe(error)}` }),
      )
    } catch (error) {
      log.write('refused', { execution, text: `${refusedWhen(error)}${describe(error)}` })
    }
  }

  /** Takes orders until it is to close. */
  obey<Order>(docket: Docket, onOrder: (order: Order) => void, deadlineMs = 2_000): void {
    process.on('message', (order) => onOrder(order as Order))
    process.on('SIGTERM', () => void this.#close(docket, deadlineMs))
    process.on('disconnect', () => {
      if (!this.#isClosing) process.exit(1)
    })
  }

  async #close(docket: Docket, deadline: number): Promise<void> {
    if (this.#isClosing) return
    this.#isClosing = true
    this.#log.write('closing')
    try {
      await docket.close({ deadline })
      this.#log.write('closed')
    } catch (error) {
      this.#log.write('closed', { text: describe(error) })
    }
    // Nothing else may keep the process alive.
    if (process.connected) process.disconnect()
  }
}

/** An error as the log has it, after a space; nothing where there is none. */
export function describe(error: unknown): string {
  if (error === undefined) return ''
  if (!(error instanceof Error)) return ` ${String(error)}`
  return ` ${error instanceof DocketError ? error.code : error.name}: ${error.message}`
}

/** A result as the log has it. */
export function lineOf(value: unknown): Pick<Mark, 'tag' | 'n'> {
  const { tag, n } = value as Mark
  return { tag, n }
}
