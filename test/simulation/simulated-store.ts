import { StoreError } from '../../src/core/errors.ts'
import { missingAbilitiesOf } from '../../src/core/contracts/missing-abilities.ts'
import type { CommitAnswer, Store, StoreHint } from '../../src/core/contracts/store.ts'
import type { EmitVerdict, NewEvent, NewEventWait } from '../../src/core/contracts/event-record.ts'
import type { QueueState } from '../../src/core/contracts/queue-record.ts'
import type { AcquiredExecution, ExecutionCommit, NewExecution } from '../../src/core/contracts/execution-record.ts'
import type { Message, NewMessage, PostVerdict } from '../../src/core/contracts/message.ts'
import { memoryStore } from '../../stores/memory/index.ts'
import { plainOf } from './toy-codec.ts'
import { underFirstNames } from './version-ledger.ts'
import type { CallFate, Faults } from './faults.ts'
import type { History } from './history.ts'
import type { Moves, StorePlace } from './moves.ts'
import type { RandomSource } from './random-source.ts'
import type { Scheduler } from './scheduler.ts'
import type { SimulatedProcess } from './simulated-process.ts'

type CallName = Exclude<keyof Store, 'name' | 'capabilities' | 'limits' | 'format' | 'open' | 'close' | 'subscribe'>
type AnyCall = (...given: unknown[]) => Promise<unknown>

// Whatever a docket may call goes through the network.
const callNames = [
  ...missingAbilitiesOf({}).filter((name) => name !== 'open' && name !== 'close'),
  'readCheckpoints',
] as readonly CallName[]

// As long as drivers wait for an answer.
const driverTimeoutMs = 2_000

/** The store's server: one for all processes, with a clock of its own, behind a network that loses, repeats and delays. */
export class StoreServer {
  readonly #inner: Store
  readonly #scheduler: Scheduler
  readonly #random: RandomSource
  readonly #faults: Faults
  readonly #history: History
  /** Which of two it is. */
  readonly place: StorePlace
  /** Whether calls take no time any more: what is watched at the end needs no network, which most of a quiet process's work is. */
  isNear = false
  readonly #listeners = new Map<(hint: StoreHint) => void, SimulatedProcess>()

  constructor(
    scheduler: Scheduler,
    random: RandomSource,
    faults: Faults,
    history: History,
    place: StorePlace = 'here',
  ) {
    this.place = place
    this.#scheduler = scheduler
    this.#random = random
    this.#faults = faults
    this.#history = history
    this.#inner = memoryStore({ now: () => this.#scheduler.now })
    void this.#inner.open().then(() => this.#inner.subscribe!((hint) => this.#tell(hint)))
  }

  /** The store as a process sees it through its driver. */
  storeOf(process: SimulatedProcess, isTold: boolean): Store {
    let isClosed = false
    const names = this.#history.hasStoreTime ? [...callNames, 'time' as const] : callNames
    const calls = Object.fromEntries(
      names.map((name) => [
        name,
        (...given: readonly unknown[]) =>
          isClosed
            ? Promise.reject(new StoreError('simulated', 'it is closed', false))
            : this.#call(process, name, given.map(copied)),
      ]),
    ) as unknown as Pick<Store, CallName>
    const subscribe = async (listener: (hint: StoreHint) => void): Promise<() => Promise<void>> => {
      const heard = (hint: StoreHint): void => listener(hint)
      this.#listeners.set(heard, process)
      return async () => void this.#listeners.delete(heard)
    }
    return {
      name: 'simulated',
      capabilities: { transactions: false, isShared: true },
      open: async () => {},
      close: async () => void (isClosed = true),
      ...calls,
      ...(isTold ? { subscribe } : {}),
    }
  }

  /** What the store holds now, asked for without a network. */
  get inner(): Store {
    return this.#inner
  }

  async #call(process: SimulatedProcess, name: CallName, given: readonly unknown[]): Promise<unknown> {
    // Asked every two seconds by every process, mostly for nothing: that needs no fate of its own.
    if (name === 'readOutbox' && (await this.#inner.readOutbox({ before: Infinity, limit: 1 })).length === 0) return []
    // The same, every minute.
    if (name === 'oldShared' && (await this.#inner.oldShared(Infinity, 1)).length === 0) return []
    if (this.isNear) return this.#apply(process, name, given)
    const fate = this.#faults.fateOfCall()
    return new Promise((resolve, reject) => {
      let isAnswered = false
      const answer = (settle: () => void, value?: unknown): void =>
        process.post(this.#faults.delay(fate), () => {
          if (isAnswered) {
            if (name === 'acquire' && value !== undefined) this.#acquiredUnheard(value as readonly AcquiredExecution[])
            return
          }
          isAnswered = true
          process.clock.clearTimeout(timer)
          settle()
        })
      const fail = (error: unknown): void => {
        this.#history.tell(() => `${process.name} ${name} fails: ${String((error as Error).message)}`)
        answer(() => reject(error as Error))
      }
      const timer = process.clock.setTimeout(() => fail(broken('no answer in time')), driverTimeoutMs)
      this.#send(process, name, given, fate, fail, (value) => answer(() => resolve(value), value))
    })
  }

  #send(
    process: SimulatedProcess,
    name: CallName,
    given: readonly unknown[],
    fate: CallFate,
    fail: (error: unknown) => void,
    succeed: (value: unknown) => void,
  ): void {
    // A value that is refused is so however often it is sent.
    let isRefused: boolean | undefined
    const apply = (settle: (value: unknown) => void): void => {
      if (this.#faults.isOut) {
        this.#faults.count('outage')
        // Some outages refuse connections, others swallow what is sent.
        if (this.#random.chance(0.7)) fail(broken('connection refused'))
        return
      }
      if (name === 'commit') {
        const drawn = this.#isRefused(given[0] as readonly ExecutionCommit[])
        isRefused ??= drawn
      }
      if (isRefused === true) {
        fail(new StoreError('simulated', 'the value is refused', false))
        return
      }
      void this.#apply(process, name, given).then(settle, fail)
    }
    const arriveAfter = this.#faults.delay(fate)
    // What a process has sent before it died may arrive or not.
    const isSentAnyway = this.#random.chance(0.5)
    const arrives = (delayMs: number, settle: (value: unknown) => void): void =>
      void this.#scheduler.after(delayMs, () => {
        if (process.state !== 'dead' || isSentAnyway) apply(settle)
      })
    switch (fate) {
      case 'error':
        fail(broken('connection reset'))
        return
      case 'lostAnswer':
        arrives(arriveAfter, () => {
          if (this.#random.chance(0.8)) fail(broken('connection reset by peer'))
        })
        return
      case 'late':
        fail(broken('gave up waiting'))
        arrives(this.#random.between(10, 8_000), nobody)
        return
      case 'duplicate': {
        // A claim, or a place in a limit, is repeated only by drivers that have heard nothing of it.
        const isHeard = this.#random.chance(0.5) && name !== 'claimResults' && name !== 'writeShared'
        if (!isHeard && name === 'acquire') this.#history.hasHiddenAcquisition = true
        arrives(arriveAfter, isHeard ? succeed : nobody)
        arrives(arriveAfter + this.#random.between(0.1, 20), succeed)
        return
      }
      default:
        arrives(arriveAfter, succeed)
    }
  }

  async #apply(process: SimulatedProcess, name: CallName, sent: readonly unknown[]): Promise<unknown> {
    const answer = copied(await (this.#inner[name] as unknown as AnyCall).apply(this.#inner, [...sent]))
    const history = this.#history
    // Whatever it is called by those who run another version of their program.
    const isRenamed = history.versions !== undefined
    const given = isRenamed ? (underFirstNames(sent) as readonly unknown[]) : sent
    const value = isRenamed ? underFirstNames(answer) : answer
    if (
      !(name === 'readMail' || name === 'readOutbox' || name === 'acquire') ||
      (value as readonly unknown[]).length > 0
    )
      if (name !== 'renewOwner' && name !== 'purgeResults' && name !== 'time')
        history.tell(() => `${process.name} ${name} ${brief(sent)} → ${brief(answer)}`)
    switch (name) {
      case 'renewOwner':
        history.renewed(given[0] as string, given[1] as number, value as boolean)
        break
      case 'endOwner':
        history.ended(given[0] as string)
        break
      case 'create':
        if (history.moves === undefined) history.created(given[0] as never, value as never)
        else this.#created(history.moves, given[0] as readonly NewExecution[], value as readonly never[])
        history.versions?.created(process.name, given[0] as never, value as never)
        break
      case 'commit':
        if (history.moves === undefined) history.committed(given[0] as never, value as never)
        else this.#committed(history.moves, given[0] as readonly ExecutionCommit[], value as readonly CommitAnswer[])
        history.looks?.committed(given[0] as readonly ExecutionCommit[], value as readonly CommitAnswer[])
        history.versions?.committed(process.name, given[0] as never, value as never)
        break
      case 'acquire':
        history.acquired(
          (given[0] as { owner: string }).owner,
          history.moves?.acquired(this.place, value as never) ?? (value as never),
        )
        break
      case 'delete':
        history.deleted(
          given[0] as never,
          (value as readonly boolean[]).map((is, index) => {
            const { id } = (given[0] as readonly { readonly id: string }[])[index]!
            return is && history.moves?.deleted(this.place, id) !== false
          }),
        )
        break
      case 'post':
        for (const [index, message] of (given[0] as readonly NewMessage[]).entries()) {
          const verdict = (value as readonly PostVerdict[])[index]!
          // What is forwarded has been judged, and what has left says no more than that.
          if (history.moves?.isOf(this.place, message.execution) === false) continue
          history.notes?.posted(message, verdict)
          history.requests?.notes.posted(message, verdict)
          const isNew =
            history.machines?.posted(message, verdict) !== false && history.letters?.posted(message, verdict) !== false
          if (verdict === 'accepted' && isNew) history.posted(message)
        }
        break
      case 'readMail':
        for (const message of value as readonly Message[]) {
          if (history.moves?.isOf(this.place, message.execution) === false) continue
          history.letters?.read(message)
          history.machines?.read(message)
        }
        break
      case 'purge': {
        const ids = value === 0 ? [] : [...history.lives.keys()]
        const found = await this.#inner.get(ids)
        history.purged(ids.filter((_, index) => found[index] === undefined))
        break
      }
      case 'emit':
        for (const [index, event] of (given[0] as readonly NewEvent[]).entries())
          history.broadcasts?.emitted(event, (value as readonly EmitVerdict[])[index]!)
        break
      case 'awaitEvents':
        history.broadcasts?.awaited(given[0] as readonly NewEventWait[])
        break
      case 'changeQueues':
        history.operated?.changed((value as readonly { readonly after: QueueState }[]).map(({ after }) => after))
        break
      case 'claimResults':
        history.claimed(given[0] as never, value as never)
        break
      case 'commitResults':
        history.committedResults(given[0] as never, value as never)
        break
      default:
    }
    return answer
  }

  /** The answer came when its process had given the call up. */
  #acquiredUnheard(acquired: readonly AcquiredExecution[]): void {
    for (const { execution } of acquired) {
      const life = this.#history.lives.get(execution.id)
      if (life !== undefined && life.epoch === execution.epoch) life.unheardEpoch = execution.epoch
    }
  }

  #created(moves: Moves, given: readonly NewExecution[], answers: readonly never[]): void {
    // What arrives has begun where it comes from.
    this.#history.created(
      given,
      answers.map((answer, index) => (isArriving(given[index]!) ? (answer ?? ({} as never)) : answer)),
    )
    moves.created(this.place, given, answers)
  }

  #committed(moves: Moves, commits: readonly ExecutionCommit[], answers: readonly CommitAnswer[]): void {
    for (const [index, commit] of commits.entries())
      if (answers[index] === true && moves.committed(this.place, commit, this.#inner))
        this.#history.committed([commit], [true])
  }

  #isRefused(commits: readonly ExecutionCommit[]): boolean {
    return commits.some(({ steps }) => steps.some(({ output }) => output !== undefined)) && this.#faults.isRefused()
  }

  #tell(hint: StoreHint): void {
    for (const [listener, process] of this.#listeners)
      for (let times = this.#faults.timesOfHint(); times > 0; times--)
        process.post(this.#faults.delay('well'), () => {
          if (this.#listeners.has(listener)) listener(hint)
        })
  }
}

/** What comes out at the other end of a network: nothing is shared. What is sent is small and plain, and copied by hand in a fraction of the time. */
function copied(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map(copied)
  if (value instanceof Uint8Array) return Uint8Array.from(value)
  if (value instanceof Map) return new Map([...value].map(([key, item]) => [key, copied(item)]))
  const made = Object.getPrototypeOf(value) as unknown
  if (made !== Object.prototype && made !== null) return structuredClone(value)
  const copy: Record<string, unknown> = {}
  for (const key in value) copy[key] = copied((value as Readonly<Record<string, unknown>>)[key])
  return copy
}

function isArriving({ graphHash }: NewExecution): boolean {
  return graphHash.startsWith('moving:')
}

function nobody(): void {}

function broken(message: string): StoreError {
  return new StoreError('simulated', message, true)
}

const bulky = new Set([
  'inputs',
  'requestDigest',
  'headers',
  'graphHash',
  'machineVersion',
  'kind',
  'inputHash',
  'at',
  'type',
])

function shortened(item: unknown): unknown {
  if (!(item instanceof Uint8Array)) return item
  return JSON.stringify(plainOf(item)).slice(0, 60)
}

function brief(value: unknown): string {
  const text = JSON.stringify(value, (key, item: unknown) =>
    bulky.has(key) ? undefined : key === 'error' && typeof item === 'string' ? item.slice(0, 60) : shortened(item),
  )
  return (text ?? 'undefined').replaceAll(/"([a-zA-Z]+)":/g, '$1:').slice(0, 600)
}
