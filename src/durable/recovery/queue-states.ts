import type { DeclaredLimits, QueueLimits, QueueState } from '../../core/contracts/queue-record.ts'
import { isRestricted, limitsOf } from '../../core/contracts/queue-state.ts'
import { allAnswers } from '../../runtime/store-access/all-answers.ts'
import type { DocketContext } from '../context/docket-context.ts'
import { limitsOfSettings, settingsOfLimits } from '../context/queue-options.ts'

// Of queues of which nothing was ever said there is nothing to be seen, most of the time; of the others, a pause is to be seen soon.
const longPauseMs = 5_000
const shortPauseMs = 400

/** What holds for the queues that a docket serves, as the store says it; and what this process declares of them. */
export class QueueStates {
  readonly #context: DocketContext
  readonly #queues: readonly string[]
  readonly #declared: ReadonlyMap<string, DeclaredLimits>
  readonly #states = new Map<string, QueueState | undefined>()
  /** How many changes of this process there were when a queue was changed last. */
  readonly #changedIn = new Map<string, number>()
  #changes = 0
  /** What was reported of a queue last. */
  readonly #reported = new Map<string, string>()
  #knowing: Promise<void> | undefined
  #readAt = -Infinity
  #isHinted = false
  isKnown = false

  constructor(context: DocketContext, served: Iterable<string>) {
    const { queues = {} } = context.options
    this.#context = context
    this.#queues = [...new Set([...served, ...Object.keys(queues)])]
    this.#declared = new Map(
      this.#queues.map((queue) => {
        const { version = 0, ...settings } = queues[queue] ?? {}
        return [queue, { version, limits: limitsOfSettings(settings) }]
      }),
    )
  }

  /** Reads the states, and declares what this process has to say, once. @throws StoreError */
  async known(): Promise<void> {
    if (this.isKnown) return
    await (this.#knowing ??= this.#begin().finally(() => {
      this.#knowing = undefined
    }))
  }

  /** Reads the states again, if they were not read just now. @throws StoreError */
  async refresh(): Promise<void> {
    if (!this.isKnown) return this.known()
    const now = this.#context.clock.elapsed()
    const mayChange = this.#isHinted || [...this.#states.values()].some((state) => state !== undefined)
    const pauseMs = mayChange ? shortPauseMs : longPauseMs
    if (this.#queues.length === 0 || now - this.#readAt < pauseMs) return
    this.#readAt = now
    this.#isHinted = false
    try {
      await this.#read()
    } catch (error) {
      // The next look reads: what was hinted at, or is long over, is not to wait for its turn again.
      this.#readAt = -Infinity
      throw error
    }
    for (const queue of this.#queues) this.#reportOthers(queue)
  }

  /** Something has happened in the store: it may be about a queue. */
  hinted(): void {
    this.#isHinted = true
  }

  /** Whether anything is to be judged by the store before an execution of this queue begins. */
  isRestricted(queue: string): boolean {
    return isRestricted(this.#states.get(queue))
  }

  limitsOf(queue: string): QueueLimits {
    return limitsOf(this.#states.get(queue))
  }

  /** It was changed here. */
  changed(state: QueueState): void {
    if (!this.#queues.includes(state.queue)) return
    this.#states.set(state.queue, state)
    this.#changedIn.set(state.queue, ++this.#changes)
  }

  async #read(): Promise<void> {
    const { store } = this.#context.connection
    const since = this.#changes
    const states = allAnswers(store, 'readQueues', this.#queues, await store.readQueues(this.#queues))
    for (const [index, queue] of this.#queues.entries()) this.#found(queue, states[index], since)
  }

  /** What a call has found that began when there had been so many changes: what was changed here since may be newer, and is read soon. */
  #found(queue: string, state: QueueState | undefined, since: number): void {
    if ((this.#changedIn.get(queue) ?? 0) > since) this.#isHinted = true
    else this.#states.set(queue, state)
  }

  async #begin(): Promise<void> {
    const { connection, clock } = this.#context
    if (this.#queues.length > 0) {
      await this.#read()
      const changes = this.#queues.flatMap((queue) => {
        const declared = this.#declared.get(queue)!
        const known = this.#states.get(queue)?.declared
        const isNews = known === undefined ? Object.keys(declared.limits).length > 0 : !isSame(known, declared)
        return isNews ? [{ queue, at: clock.now(), declared }] : []
      })
      if (changes.length > 0) {
        const { store } = connection
        const since = this.#changes
        const changed = allAnswers(store, 'changeQueues', changes, await store.changeQueues(changes))
        for (const { before, after } of changed) {
          this.#found(after.queue, after, since)
          const was = before?.declared
          const declared = this.#declared.get(after.queue)!
          // Another process that began at the same moment may have declared the same.
          if (was !== undefined && !isSame(was, declared) && isSame(after.declared!, declared))
            this.#report(
              after.queue,
              `what this process declares replaces ${textOf(was)}: now it is ${textOf(after.declared!)}`,
            )
          this.#reportOthers(after.queue)
        }
      }
      this.#readAt = clock.elapsed()
    }
    this.isKnown = true
  }

  /** Something else holds than what this process has declared. */
  #reportOthers(queue: string): void {
    const declared = this.#declared.get(queue)!
    const holds = this.#states.get(queue)?.declared
    if (holds === undefined || isSame(holds, declared)) {
      this.#context.overruled.forget(aboutOf(queue))
      // That something else holds again would be news.
      this.#reported.delete(queue)
      return
    }
    const what = `another process has declared ${textOf(holds)}, which holds; this one declares ${textOf(declared)}`
    this.#context.overruled.note(aboutOf(queue), messageOf(queue, what))
    this.#report(queue, what)
  }

  #report(queue: string, what: string): void {
    if (this.#reported.get(queue) === what) return
    this.#reported.set(queue, what)
    const { onQueue } = this.#context.options
    const message = messageOf(queue, what)
    if (onQueue === undefined) process.emitWarning(message, { type: 'DocketQueueWarning' })
    else onQueue({ queue, message, holds: settingsOfLimits(limitsOf(this.#states.get(queue))) })
  }
}

function aboutOf(queue: string): string {
  return `queue ${queue}`
}

function messageOf(queue: string, what: string): string {
  return `queue "${queue}": ${what}`
}

function isSame(one: DeclaredLimits, other: DeclaredLimits): boolean {
  return textOf(one) === textOf(other)
}

function textOf({ version, limits: { concurrency, rate } }: DeclaredLimits): string {
  const parts = [
    ...(concurrency === undefined
      ? []
      : [`concurrency ${concurrency.limit}${concurrency.isPerKey ? ' of each key' : ''}`]),
    ...(rate === undefined ? [] : [`rate ${rate.limit} in ${rate.perMs} ms, burst ${rate.burst}`]),
  ]
  return `${parts.join(' and ') || 'no limits'} (version ${version})`
}
