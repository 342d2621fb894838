import { durationHint, durationMs } from '../../core/duration.ts'
import type { Duration } from '../../core/duration.ts'
import { describe } from '../../core/check-options.ts'
import { DocketClosedError, OptionError } from '../../core/errors.ts'
import type { ExecutionEvent } from '../../core/contracts/events.ts'
import type { Store } from '../../core/contracts/store.ts'
import { isDate } from '../../core/is-builtin.ts'
import { isRecord } from '../../core/is-record.ts'
import { indexOf } from '../../core/graph/graph-index.ts'
import type { AppFor } from '../../core/graph/app-types.ts'
import type { AnyGraph } from '../../core/graph/graph-index.ts'
import { isStartOfNode } from '../../core/drawn/node-step.ts'
import { withNestedGraphs } from '../../core/graph/nested-graph.ts'
import type { DocketOptions } from '../../durable/context/docket-options.ts'
import type { Docket } from '../../durable/docket.ts'
import { ExecutionHandle } from '../../durable/execution-handle.ts'
import type { Clock } from '../../runtime/environment/clock.ts'
import { callingStep } from '../../runtime/environment/current-step.ts'
import type { ExportedExecution } from '../../durable/transfer/exported-execution.ts'
import { forReplay } from '../../durable/transfer/for-replay.ts'
import { checkImport } from '../../durable/transfer/parts-of-export.ts'
import { memoryStore } from '../../../stores/memory/index.ts'
import { replayedStore } from './replayed-store.ts'
import { RecordedEvents } from './recorded-events.ts'
import type { EventFilter } from './recorded-events.ts'
import { randomOf } from './seeded-random.ts'
import { TimeDriver } from './time-driver.ts'
import { TestProcess } from './test-process.ts'
import { TestTime } from './test-time.ts'
import { WorkUnderWay } from './work-under-way.ts'
import { isPromise } from '../../core/own-promise.ts'

/** What `createTestDocket` takes: the options of `createDocket`, but for what a test docket has of its own. */
export interface TestDocketOptions extends Omit<DocketOptions, 'store' | 'clock' | 'random' | 'lease' | 'takeOver'> {
  /** Ids and the chance in backoffs follow from it: the same seed gives the same run. @default 1 */
  readonly seed?: number | undefined
  /** The time of day at the beginning. @default 2000-01-01T00:00:00Z */
  readonly now?: Date | undefined
  /**
   * An execution that `docket.export` gave: it is there as it was, with what its steps had made, and the rest of it runs the code of `graphs`. One that failed goes on by
   * `docket.retry(id)`. The time begins with its export, and it stands in the default queue, unless `work` says what is served. @default none
   */
  readonly from?: ExportedExecution | undefined
  /** With `from`: values in the place of inputs that are closed there, by type. @default none */
  readonly values?: Readonly<Record<string, unknown>> | undefined
}

/** A docket for tests: whole, but in memory, in virtual time, and mortal. */
export interface TestDocket extends Docket {
  /** What has happened in all its executions, over restarts. */
  readonly events: RecordedEvents
  /** Its time, for actors and other things that take a clock. It moves as the docket's does. */
  readonly clock: Clock
  /** Where everything is kept: a docket of your own on it is another process. */
  readonly store: Store
  /** The time of day. */
  now(): Date
  /** Moves time on by so much, stopping at each due time on the way. What a step's function does in real time is not waited for. @throws OptionError */
  advance(duration: Duration): Promise<void>
  /** Resolves after so much virtual time: what a slow service takes, in a replaced step. @throws OptionError */
  sleep(duration: Duration): Promise<void>
  /** The first event that fits, as soon as there is one. Time moves meanwhile. */
  nextEvent<Type extends ExecutionEvent['type']>(
    filter: EventFilter<Type>,
  ): Promise<Extract<ExecutionEvent, { readonly type: Type }>>
  /**
   * Kills the process (as SIGKILL does: nothing that is under way reaches the store) and starts another one, with another version of the program if
   * you give its options. Open calls, and handles, go on with the new process.
   */
  restart(options?: Partial<TestDocketOptions>): Promise<void>
}

/** Called with each commit that a test docket is about to write: see `atEveryCommit`. */
export type CommitWatcher = (write: () => unknown, method: string, given: readonly unknown[]) => unknown

/** Options of `createDocket` that a test docket sets itself. */
const ownOptions = ['store', 'clock', 'random', 'lease', 'takeOver']

const defaultStart = Date.UTC(2000, 0, 1)
/** No span that a test skips lets it run out. */
const lease = '100000d'

/**
 * A docket for tests. Nothing has to be installed, and nothing waits: while you await a call of it, its time moves from one due time to the next, as
 * soon as no function of a step, no call of the store and no microtask is pending. A month of sleep passes in a millisecond. `advance` moves it by
 * hand. It can die and go on with `restart()`.
 *
 * @example
 * await using docket = createTestDocket({ graphs: [expenses] })
 * const lunch = await docket.start(expenses, Notice, { Expense: { euros: 30 } })
 * await docket.advance('1d')
 * await lunch.signal(Approval, { by: 'Ada' })
 * expect(await lunch.result()).toBe('30 euros: approved by Ada')
 * @throws OptionError with all problems
 */
export function createTestDocket<Graphs extends readonly AnyGraph[]>(
  options: TestDocketOptions & { readonly graphs: Graphs } & AppFor<Graphs[number]>,
): TestDocket {
  return testDocketOf(options, (write) => write())
}

/** The same, with somebody who sees each commit. */
export function testDocketOf(options: TestDocketOptions, watch: CommitWatcher): TestDocket & { die(): void } {
  return new TestWorld(options, watch).face()
}

class TestWorld {
  readonly events = new RecordedEvents()
  readonly time: TestTime
  readonly store: Store
  readonly clock: Clock
  readonly #random: () => number
  readonly #watch: CommitWatcher
  readonly #driver: TimeDriver
  readonly #work: WorkUnderWay
  readonly #functions = new Map<string, ReadonlySet<string>>()
  #options: TestDocketOptions
  #process: TestProcess
  #processes = 0
  /** Functions of steps of this process that wait for virtual time, or for the docket itself. */
  #sleepers = new Set<symbol>()

  constructor(options: TestDocketOptions, watch: CommitWatcher) {
    checkOwnOptions(options)
    const { seed = 1, from, values } = options
    if (from === undefined && values !== undefined)
      throw new OptionError('createTestDocket: values take the place of what is closed in `from`: give that too')
    const exported = from === undefined ? undefined : checkImport(from, values)
    const now = options.now ?? (exported && new Date(exported.exportedAt))
    if (now !== undefined && !(isDate(now) && Number.isFinite(now.getTime())))
      throw new OptionError(`createTestDocket: now must be a Date, not ${describe(now)}`)
    if (!Number.isSafeInteger(seed))
      throw new OptionError(`createTestDocket: seed must be a whole number, not ${describe(seed)}`)
    this.time = new TestTime(now?.getTime() ?? defaultStart)
    this.clock = this.time.clock()
    const store = memoryStore({ now: () => this.time.now() })
    this.store =
      exported === undefined
        ? store
        : replayedStore(store, forReplay(exported, options.work !== undefined), options, this.clock)
    this.#random = randomOf(seed)
    this.#watch = watch
    this.#work = new WorkUnderWay((graph, step) => this.#isFunction(graph, step))
    this.#driver = new TimeDriver(this.time, {
      isWorking: () => this.#work.count + this.time.functionsAtWork.size > this.#sleepers.size,
      whatWorks: () => [...this.#work.texts, ...[...this.time.functionsAtWork].map(({ what }) => what)],
      lookForWork: async () => void (await this.#process.docket.resume()),
      whatWaits: () => this.#whatWaits(),
    })
    this.#options = options
    this.#process = this.#begin()
  }

  /** A docket whose calls go to the process that lives at the time. */
  face(): TestDocket & { die(): void } {
    const own: Readonly<Record<string, unknown>> = {
      events: this.events,
      clock: this.clock,
      store: this.store,
      now: () => new Date(this.time.now()),
      advance: (duration: Duration) => this.#driver.advance(msOf('advance', duration)),
      sleep: (duration: Duration) => this.#sleep(msOf('sleep', duration)),
      nextEvent: (filter: EventFilter) =>
        this.#driver.during(() => new Promise((resolve) => this.events.onFirst(filter, resolve))),
      restart: (options?: Partial<TestDocketOptions>) => this.#restart(options),
      die: () => this.#die(),
    }
    return new Proxy(this.#process.docket, {
      get: (_, key) => {
        if (typeof key === 'string' && Object.hasOwn(own, key)) return own[key]
        const value: unknown = Reflect.get(this.#process.docket, key, this.#process.docket)
        if (typeof value !== 'function') return value
        return (...given: readonly unknown[]): unknown =>
          this.#call(() => this.#process.docket, value as (...all: readonly unknown[]) => unknown, key, given)
      },
    }) as TestDocket & { die(): void }
  }

  /** Calls a method now, or, where it gives a promise and the process dies meanwhile, again in the next one. */
  #call(
    subject: () => object | Promise<object>,
    method: (...all: readonly unknown[]) => unknown,
    key: PropertyKey,
    given: readonly unknown[],
  ): unknown {
    const process = this.#process
    const first = subject()
    if (isPromise(first)) return this.#during(() => this.#again(process, subject, key, given, undefined))
    const answer = method.apply(first, [...given])
    if (!isPromise(answer)) return answer
    return this.#during(() => this.#again(process, subject, key, given, answer))
  }

  async #again(
    begun: TestProcess,
    subject: () => object | Promise<object>,
    key: PropertyKey,
    given: readonly unknown[],
    first: Promise<unknown> | undefined,
  ): Promise<unknown> {
    let answer = first
    let process = begun
    for (;;) {
      if (answer === undefined) {
        process = this.#process
        const now = await subject()
        answer = Promise.resolve(
          (Reflect.get(now, key, now) as (...all: readonly unknown[]) => unknown).apply(now, [...given]),
        )
      }
      try {
        const outcome = await Promise.race([answer.then((value) => ({ value })), process.death])
        if (outcome !== undefined) return this.#lasting(outcome.value)
      } catch (error) {
        if (process === this.#process || !(error instanceof DocketClosedError)) throw error
      }
      answer.catch(() => {})
      answer = undefined
    }
  }

  /** A handle that goes on with the process that lives at the time. */
  #lasting(value: unknown): unknown {
    if (!(value instanceof ExecutionHandle)) return value
    let process = this.#process
    let handle: object = value
    const current = (): object | Promise<object> => {
      if (process === this.#process) return handle
      const living = this.#process
      return living.docket.get(value.id).then((found) => {
        if (found === undefined) return handle
        process = living
        handle = found
        return found
      })
    }
    return new Proxy(value, {
      get: (_, key) => {
        const property: unknown = Reflect.get(handle, key, handle)
        if (typeof property !== 'function') return property
        return (...given: readonly unknown[]): unknown =>
          this.#call(current, property as (...all: readonly unknown[]) => unknown, key, given)
      },
    })
  }

  #begin(): TestProcess {
    const { seed: _seed, now: _now, from: _from, values: _values, observers = [], graphs, ...rest } = this.#options
    const process = new TestProcess(
      {
        name: `process-${++this.#processes}`,
        ...rest,
        graphs,
        lease,
        store: this.store,
        random: this.#random,
        observers: [
          (event) => {
            if (this.#process !== undefined && this.#process !== process) return
            this.#work.see(event)
            this.#driver.progressed()
            this.events.add(event)
          },
          ...observers,
        ],
      },
      this.time,
      { begins: (method, given) => this.#driver.storeCall(method, given), writes: this.#watch },
    )
    this.#functions.clear()
    for (const graph of withNestedGraphs(graphs)) this.#functions.set(graph.name, functionsOf(graph))
    return process
  }

  /** Workflows are known by their steps alone: their nodes are functions, and the timers before some are not. */
  #isFunction(graph: string, step: string): boolean {
    const known = this.#functions.get(graph)
    if (known !== undefined) return known.has(step)
    return (this.#options.steps ?? []).length > 0 && !isStartOfNode(step)
  }

  /** The process ends at once; the next one takes its place. */
  #die(): void {
    const dead = this.#process
    if (dead.isDead) return
    this.#driver.busyWith(dead.die())
    this.#work.clear()
    this.#sleepers = new Set()
    this.#process = this.#begin()
    this.#driver.progressed()
  }

  async #restart(options: Partial<TestDocketOptions> = {}): Promise<void> {
    this.#options = { ...this.#options, ...options }
    this.#die()
    await this.#driver.during(() => this.#process.docket.resume())
  }

  /** A call, which a step's function may wait for: then that is not at work. */
  #during<Value>(start: () => Promise<Value>): Promise<Value> {
    return callingStep() === undefined ? this.#driver.during(start) : this.#asleep(start)
  }

  #asleep<Value>(start: () => Promise<Value>): Promise<Value> {
    const sleepers = this.#sleepers
    const sleeper = Symbol('sleeper')
    sleepers.add(sleeper)
    return this.#driver.during(start).finally(() => void sleepers.delete(sleeper))
  }

  #sleep(ms: number): Promise<void> {
    return this.#asleep(() => new Promise<void>((resolve) => void this.clock.setTimeout(resolve, ms)))
  }

  async #whatWaits(): Promise<readonly string[]> {
    const { executions } = await this.#process.docket.list({ limit: 5 })
    const open = executions.filter(({ endedAt }) => endedAt === undefined)
    return Promise.all(
      open.map(
        async ({ id }) => `execution "${id}": ${(await (await this.#process.docket.get(id))?.details())?.situation}`,
      ),
    )
  }
}

/** @throws OptionError */
function checkOwnOptions(options: unknown): void {
  if (!isRecord(options)) throw new OptionError(`createTestDocket: options must be an object, not ${describe(options)}`)
  const given = ownOptions.filter((name) => options[name] !== undefined)
  if (given.length > 0)
    throw new OptionError(
      `createTestDocket: ${given.join(', ')} ${given.length === 1 ? 'is' : 'are'} its own; leave it out, or use createDocket with a VirtualClock`,
    )
}

/** Kinds of steps that call functions of users, or other services; a machine may invoke some, while it does not wait. */
const working: ReadonlySet<string> = new Set(['step', 'race', 'machine', 'remote'])

function functionsOf(graph: AnyGraph): ReadonlySet<string> {
  const specs = indexOf(graph)?.specs ?? []
  return new Set(specs.filter(({ kind }) => working.has(kind)).map(({ name }) => name))
}

function msOf(call: string, duration: Duration): number {
  const ms = durationMs(duration)
  if (ms === undefined) throw new OptionError(`${call}: ${describe(duration)} is not a duration; ${durationHint}`)
  return ms
}
