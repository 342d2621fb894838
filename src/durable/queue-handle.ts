import { requireLength } from '../core/check-length.ts'
import { requireName } from '../core/check-name.ts'
import { checkOptions, describe } from '../core/check-options.ts'
import type { Problem } from '../core/check-options.ts'
import type { QueueBacklog, QueueChange, QueueState } from '../core/contracts/queue-record.ts'
import { limitsOf } from '../core/contracts/queue-state.ts'
import { OptionError } from '../core/errors.ts'
import { allAnswers } from '../runtime/store-access/all-answers.ts'
import { orClosed } from './context/closed-while-waiting.ts'
import type { DocketContext } from './context/docket-context.ts'
import { limitsOfSettings, reportSettings, settingsOfLimits } from './context/queue-options.ts'
import type { QueueSettings } from './context/queue-options.ts'
import { dateOf } from './records/date-of.ts'
import type { QueueStates } from './recovery/queue-states.ts'

const usualCount = 1_000
const keysAtOnce = 100

/** What a queue has, for people and autoscalers: whoever serves it, and where nobody does. */
export interface Backlog {
  /** What a process with a free slot could go on with now, but for what is paused or over a limit. */
  readonly ready: number
  /** What processes run, or hold. */
  readonly running: number
  /** What waits for a time or a message, in no process. */
  readonly waiting: number
  /** Of what waits, what is due: a timer, or the time at which it may begin. */
  readonly overdue: number
  /** For how long the oldest of what is ready has been there, in milliseconds; undefined where nothing is. */
  readonly oldestReadyMs: number | undefined
  /** Whether one of the counts has come to `upTo`, and may be higher. */
  readonly isCapped: boolean
}

/** The same, by key. */
export interface KeyedBacklog extends Backlog {
  /** Of the first keys that have something which is still to begin; what has no key is under ''. */
  readonly keys: Readonly<Record<string, Backlog>>
}

/** How a backlog is counted. */
export interface BacklogOptions {
  /** How far is counted: what a count costs does not grow beyond. @default 1000 */
  readonly upTo?: number | undefined
  /** Counts each of the first hundred keys too. @default false */
  readonly byKey?: boolean | undefined
}

/** What holds for a queue. */
export interface QueueInfo {
  /** The queue's name. */
  readonly queue: string
  /** Since when it has been paused; undefined while it is not. */
  readonly pausedAt: Date | undefined
  /** Why it is paused. */
  readonly note: string | undefined
  /** What limits it: what an operator has set stands above what processes declare. */
  readonly limits: QueueSettings
  /** What processes declare. */
  readonly declared: QueueSettings | undefined
  /** The version of that declaration. */
  readonly version: number | undefined
}

/** A queue, as operators see it: what is said here holds for all processes, and stays when they end. */
export class QueueHandle {
  /** The queue's name. */
  readonly name: string
  readonly #context: DocketContext
  readonly #states: QueueStates

  /** @throws OptionError for what can't be a queue's name */
  constructor(context: DocketContext, states: QueueStates, name: string) {
    requireName('queue: name', name)
    requireLength(context.connection.store, 'queue', 'queue', name)
    this.name = name
    this.#context = context
    this.#states = states
  }

  /**
   * Nothing of the queue begins or goes on any more, in any process, until it is resumed; what runs goes on, and what is cancelled or past its
   * deadline ends. @throws (as rejection) OptionError, DocketClosedError, StoreError
   */
  async pause(note?: string): Promise<QueueInfo> {
    if (note !== undefined && typeof note !== 'string')
      throw new OptionError(`pause: note must be a string, not ${describe(note)}`)
    return this.#change({ pause: { note } })
  }

  /** Lets the queue go on. @throws (as rejection) DocketClosedError, StoreError */
  async resume(): Promise<QueueInfo> {
    return this.#change({ pause: null })
  }

  /**
   * Sets limits, above those that processes declare; `null` takes them away, so that the declared ones hold. @throws (as rejection) OptionError,
   * DocketClosedError, StoreError
   */
  async limits(settings: QueueSettings | null): Promise<QueueInfo> {
    if (settings !== null)
      checkOptions('limits', settings, ['concurrency', 'rate'], (given) => {
        const problems: Problem[] = []
        reportSettings('limits', given, (problem) => void problems.push(problem))
        return problems
      })
    return this.#change({ limits: settings === null ? null : limitsOfSettings(settings) })
  }

  /** What holds for the queue. @throws (as rejection) DocketClosedError, StoreError */
  async info(): Promise<QueueInfo> {
    return this.#reading(async () => {
      const { store } = this.#context.connection
      const [state] = allAnswers(store, 'readQueues', [this.name], await store.readQueues([this.name]))
      return infoOf(this.name, state)
    })
  }

  /** What the queue has, by key. @throws (as rejection) OptionError, DocketClosedError, StoreError */
  async backlog(options: BacklogOptions & { readonly byKey: true }): Promise<KeyedBacklog>
  /** What the queue has. @throws (as rejection) OptionError, DocketClosedError, StoreError */
  async backlog(options?: BacklogOptions): Promise<Backlog>
  /** @throws OptionError, DocketClosedError, StoreError */
  async backlog(options: BacklogOptions = {}): Promise<Backlog> {
    checkOptions('backlog', options, ['upTo', 'byKey'], ({ upTo, byKey }) => [
      ...(upTo === undefined || (Number.isSafeInteger(upTo) && (upTo as number) >= 1)
        ? []
        : [`upTo must be a whole number of at least 1, not ${describe(upTo)}`]),
      ...(byKey === undefined || typeof byKey === 'boolean'
        ? []
        : [`byKey must be true or false, not ${describe(byKey)}`]),
    ])
    const { upTo = usualCount, byKey = false } = options
    return this.#reading(async () => {
      const { store } = this.#context.connection
      const keys = byKey ? await store.readyKeys(this.name, undefined, keysAtOnce) : []
      const requests = [undefined, ...keys].map((key) => ({ queue: this.name, upTo, key }))
      const [all, ...each] = allAnswers(store, 'backlog', requests, await store.backlog(requests))
      const shown = this.#shown(all!, upTo)
      if (!byKey) return shown
      return { ...shown, keys: Object.fromEntries(keys.map((key, index) => [key, this.#shown(each[index]!, upTo)])) }
    })
  }

  #shown({ oldestReadyAt, ...counts }: QueueBacklog, upTo: number): Backlog {
    const now = this.#context.clock.now()
    return {
      ...counts,
      oldestReadyMs: oldestReadyAt === undefined ? undefined : Math.max(0, now - oldestReadyAt),
      isCapped: Object.values(counts).some((count) => count >= upTo),
    }
  }

  #change(change: Omit<QueueChange, 'queue' | 'at'>): Promise<QueueInfo> {
    return this.#reading(async () => {
      const { connection, clock } = this.#context
      const { store } = connection
      const changes = [{ ...change, queue: this.name, at: clock.now() }]
      const [changed] = allAnswers(store, 'changeQueues', changes, await store.changeQueues(changes))
      this.#states.changed(changed!.after)
      this.#context.lookSoon()
      return infoOf(this.name, changed!.after)
    })
  }

  #reading<T>(read: () => Promise<T>): Promise<T> {
    const { connection } = this.#context
    return orClosed(this.#context, 'queue', undefined, async () => {
      await connection.readyBy()
      return connection.patiently(read)
    })
  }
}

function infoOf(queue: string, state: QueueState | undefined): QueueInfo {
  const { pausedAt, note, declared } = state ?? {}
  return {
    queue,
    pausedAt: dateOf(pausedAt),
    note,
    limits: settingsOfLimits(limitsOf(state)),
    declared: declared === undefined ? undefined : settingsOfLimits(declared.limits),
    version: declared?.version,
  }
}
