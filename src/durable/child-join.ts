import type { ExecutionRecord } from '../core/contracts/execution-record.ts'
import { ExecutionConflictError } from '../core/errors.ts'
import type { ChildParent } from '../runtime/execution/execution-setup.ts'
import type { ChildRequest } from '../runtime/steps/step-work.ts'
import type { DocketContext } from './context/docket-context.ts'
import { pauseBeforeLook } from './context/look-again.ts'
import { outcomeOfRecord } from './outcome-of-record.ts'
import { isKnown, noSuchExecution, unknownStatus } from './records/execution-info.ts'
import { hasOutcome } from './records/known-outcome.ts'

// A message says when a child has ended; this is for what nobody foresaw.
const lookEveryMs = 30_000
const patienceMs = 30_000

/** A step that waits for a child, or for the end of its undoing. */
interface Waiter extends Pick<ChildRequest, 'onCompleted' | 'onFailed'> {
  /** Called at each look at a child that has not ended; then there is one soon after the lease of a process that has died. */
  readonly onOpen?: () => Promise<void>
}

/** A step that waits for a child: until that has ended, wherever it runs, or the step waits no more. */
export class ChildJoin {
  readonly #context: DocketContext
  readonly #parent: ChildParent
  readonly #id: string
  readonly #request: Waiter
  #isOver = false
  /** Something has happened since the record was read last. */
  #isWoken = false
  #onWoken: () => void = () => {}

  constructor(context: DocketContext, parent: ChildParent, id: string, request: Waiter) {
    this.#context = context
    this.#parent = parent
    this.#id = id
    this.#request = request
  }

  /** Whether its step has what the child came to, or waits no more. */
  get isOver(): boolean {
    return this.#isOver
  }

  /** The child may have ended. */
  wake(): void {
    this.#isWoken = true
    this.#onWoken()
  }

  /** The step waits no more. */
  stop(): void {
    this.#isOver = true
    this.#onWoken()
  }

  /** Waits for the end. `known`: the record, where it was just read. */
  async follow(known: ExecutionRecord | undefined): Promise<void> {
    try {
      for (let record = known; !this.#isOver; record = undefined) {
        this.#isWoken = false
        if (await this.#endsHere()) return
        const looking = this.#look(record)
        // Until its step has what the child came to, the parent is not parked: it might sleep past what it has found, and nobody would wake it again.
        this.#parent.recorder?.endsAfter(looking)
        await looking
        if (!this.#isOver && !this.#isWoken) await this.#change()
      }
    } catch (error) {
      this.fail(error)
    }
  }

  /** Gives the step what the child came to, if it has ended. */
  async #look(known: ExecutionRecord | undefined): Promise<void> {
    try {
      const record = known ?? (await this.#read())
      if (this.#isOver) return
      if (record === undefined) throw noSuchExecution(this.#id)
      if (hasOutcome(record)) this.#settle({ value: await outcomeOfRecord(this.#context, record) })
      else if (!isKnown(record.status))
        throw new ExecutionConflictError(unknownStatus(record), { executionId: this.#id })
      // It may end here then.
      else await this.#request.onOpen?.()
    } catch (error) {
      this.fail(error)
    }
  }

  fail(error: unknown): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#request.onFailed(error)
  }

  #settle({ value }: { readonly value: unknown }): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#request.onCompleted(value)
  }

  /** Whether it lives in this process, and has come to its end here. */
  async #endsHere(): Promise<boolean> {
    const departure = await this.#context.owned.get(this.#id)?.departure
    if (departure === undefined || departure.type === 'moved') return false
    if (departure.type === 'output') this.#settle({ value: departure.output })
    else this.fail(departure.error)
    return true
  }

  #read(): Promise<ExecutionRecord | undefined> {
    const { connection, clock } = this.#context
    return connection.gets.add(this.#id, clock.elapsed() + patienceMs)
  }

  #change(): Promise<void> {
    const { leaseMs } = this.#context.connection.session
    const pauseMs = this.#request.onOpen === undefined ? lookEveryMs : Math.min(lookEveryMs, 2 * leaseMs)
    return pauseBeforeLook(this.#context, this.#id, pauseMs, {
      endsHere: false,
      // The parent is handed over first, and stops this wait.
      endsAtHandOver: false,
      listen: (done) => {
        this.#onWoken = done
        return this.#context.onEnter(this.#id, done)
      },
    })
  }
}
