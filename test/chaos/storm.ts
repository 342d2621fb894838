import { setTimeout as sleep } from 'node:timers/promises'
import { ChaosLog } from './chaos-log.ts'
import { shapes } from './chaos-graphs.ts'
import type { StoreUnderTest } from './chaos-stores.ts'
import { withoutWaits } from './without-waits.ts'
import { WorkerProcess } from './worker-process.ts'
import type { StartOrder, WorkerSettings } from './worker.ts'

/** How much is done to the workers and their store. */
export interface StormPlan {
  readonly workers: number
  /** At least so many; more if the storm takes longer. */
  readonly executions: number
  /** How many more once the storm is over. @default 0 */
  readonly afterwards?: number | undefined
  /** How many are under way at any time, about. */
  readonly inFlight: number
  readonly kills: number
  /** SIGSTOP, for about the lease or longer. */
  readonly stops: number
  /** SIGTERM: an orderly end. */
  readonly closes: number
  /** Of the server. */
  readonly restarts: number
  /** Of all connections. */
  readonly cuts: number
  /** Times for which nobody reaches the engine. @default 0 */
  readonly aways?: number | undefined
  /** How often all that the engine keeps is gone. @default 0 */
  readonly empties?: number | undefined
  readonly leaseMs: number
  /** Between one fault and the next, on average. */
  readonly pauseMs: number
  /** The longest that a step takes. @default 50 */
  readonly longestStepMs?: number | undefined
  /** How long what is left may take once the storm is over, however busy the machine is. @default ten minutes */
  readonly longestSettleMs?: number | undefined
}

type ChaosWorker = WorkerProcess<object>

/** What is run in a storm, and by which program. */
export interface StormCast {
  readonly script: string
  /** The order with a number. */
  readonly orderOf: (number: number, random: () => number) => StartOrder
  /** What workers are told besides, now and then; `underWay`: executions that have not ended. @default nothing */
  readonly besides?: (
    workers: readonly { give(order: object): void }[],
    underWay: readonly string[],
    ordered: number,
  ) => void
  /** What a worker that begins now is told beside what all are; `living`: the names of the others. @default nothing */
  readonly settingsOf?: (name: string, living: readonly string[]) => object
  /** What is done once all orders have ended, before the workers are closed. @default nothing */
  readonly beforeEnd?: () => Promise<void>
  /** What wakes the workers, where something does. */
  readonly engine?: { goAway(forMs: number): Promise<void>; empty(): Promise<void> } | undefined
}

/** Graphs of functions, each in turn. */
const functionsCast: StormCast = {
  script: 'worker.ts',
  orderOf(number, random) {
    const shape = shapes[number % shapes.length]!
    // Several in a row want the same global results.
    const leaves = shape.leaves.map((leaf) => [
      leaf,
      leaf === 'Region' ? Math.floor(number / 40) : Math.floor(random() * 1e9),
    ])
    return { execution: `x${number}`, graph: shape.name, leaves: Object.fromEntries(leaves) as Record<string, number> }
  },
}

type EngineFault = 'away' | 'empty'
type Fault = 'kill' | 'stop' | 'close' | 'restart' | 'cut' | EngineFault

/** For how long there is peace: no fault, and no worker whose event loop stands still because the machine is busy. */
const settleMs = 90_000
/** The machine may never be idle. */
const defaultLongestSettleMs = 600_000
const defaultLongestStepMs = 50
const closeMs = 15_000
/** No use in going on. */
const mostViolations = 20

/** What a storm left behind. */
export interface StormOutcome {
  readonly orders: ReadonlyMap<string, StartOrder>
  readonly log: ChaosLog
  /** What should not have been, as far as it could be seen from outside. */
  readonly violations: readonly string[]
  readonly faults: Readonly<Record<Fault, number>>
}

/** Torments workers and their store while they run executions, lets them recover, and ends them. */
export class Storm {
  readonly #store: StoreUnderTest
  readonly #plan: StormPlan
  readonly #random: () => number
  readonly #path: string
  readonly #cast: StormCast
  readonly #log: ChaosLog
  readonly #orders = new Map<string, StartOrder>()
  readonly #workers = new Set<ChaosWorker>()
  readonly #violations: string[] = []
  readonly #faults: Record<Fault, number> = { kill: 0, stop: 0, close: 0, restart: 0, cut: 0, away: 0, empty: 0 }
  /** Orders that nobody has confirmed, with who has them and since when. */
  readonly #unconfirmed = new Map<string, { readonly workers: readonly ChaosWorker[]; readonly at: number }>()
  readonly #underWay = new Map<string, number>()
  readonly #pending = new Set<Promise<void>>()
  readonly #ready = new Set<string>()
  #serverIsBusy = false
  /** Whether the store may have kept workers waiting. */
  #mayHaveWaited = false
  /** When a worker said last that it had stood still, and how often they did since the storm. */
  #stoodAt = 0
  #standstills = 0
  #born = 0
  #isOver = false

  constructor(store: StoreUnderTest, plan: StormPlan, random: () => number, path: string, cast = functionsCast) {
    this.#cast = cast
    this.#store = store
    this.#plan = plan
    this.#random = random
    this.#path = path
    this.#log = new ChaosLog(path)
  }

  async run(): Promise<StormOutcome> {
    try {
      for (let i = 0; i < this.#plan.workers; i++) this.#spawn()
      const feeding = this.#feed()
      await this.#torment()
      await Promise.all(this.#pending)
      this.#isOver = true
      await feeding
      await this.#cast.beforeEnd?.()
      await this.#end()
    } finally {
      for (const worker of this.#workers) if (worker.end === undefined) void worker.kill()
    }
    this.#log.read()
    return { orders: this.#orders, log: this.#log, violations: this.#violations, faults: this.#faults }
  }

  async #torment(): Promise<void> {
    const faults = this.#shuffledFaults()
    await sleep(500)
    while (faults.length > 0 && !this.#isHopeless) {
      await sleep(this.#plan.pauseMs * 2 * this.#random())
      const fault = faults.pop()!
      const done = this.#strike(fault)
      if (done === undefined) {
        // Nobody there it could happen to: another time.
        faults.splice(Math.floor(this.#random() * faults.length), 0, fault)
        continue
      }
      this.#faults[fault]++
      const tracked: Promise<void> = done.finally(() => this.#pending.delete(tracked))
      this.#pending.add(tracked)
    }
  }

  #strike(fault: Fault): Promise<void> | undefined {
    if (fault === 'restart' || fault === 'cut') return this.#serverFault(fault)
    return fault === 'away' || fault === 'empty' ? this.#engineFault(fault) : this.#workerFault(fault)
  }

  get #isHopeless(): boolean {
    return this.#violations.length >= mostViolations
  }

  #shuffledFaults(): Fault[] {
    const {
      kills: kill,
      stops: stop,
      closes: close,
      restarts,
      cuts: cut,
      aways: away = 0,
      empties: empty = 0,
    } = this.#plan
    const ofEngine = this.#cast.engine === undefined ? {} : { away, empty }
    const counts = { kill, stop, close, restart: this.#store.restart === undefined ? 0 : restarts, cut, ...ofEngine }
    const faults = Object.entries(counts).flatMap(([fault, count]) =>
      Array.from({ length: count }, () => fault as Fault),
    )
    for (let i = faults.length - 1; i > 0; i--) {
      const j = Math.floor(this.#random() * (i + 1))
      ;[faults[i], faults[j]] = [faults[j]!, faults[i]!]
    }
    return faults
  }

  #workerFault(fault: 'kill' | 'stop' | 'close'): Promise<void> | undefined {
    const able = [...this.#workers].filter((worker) => worker.isAlive && !(worker.isStopped && fault !== 'kill'))
    const worker = able[Math.floor(this.#random() * able.length)]
    if (worker === undefined) return undefined
    if (fault === 'kill') return worker.kill()
    // One that stands still in a transaction holds the file's lock.
    if (fault === 'stop' && this.#store.kind === 'sqlite') this.#mayHaveWaited = true
    if (fault === 'stop') return worker.stop(this.#plan.leaseMs * (0.6 + 2 * this.#random()))
    return worker.close(closeMs).then((isInTime) => {
      if (!isInTime) this.#violations.push(`${worker.name} did not end within ${closeMs} ms of SIGTERM`)
    })
  }

  #serverFault(fault: 'restart' | 'cut'): Promise<void> | undefined {
    if (this.#serverIsBusy) return undefined
    this.#serverIsBusy = true
    this.#mayHaveWaited = true
    const downMs = this.#random() < 0.3 ? this.#plan.leaseMs * 1.5 * this.#random() : 0
    this.#log.write('server-fault', { text: fault })
    const done = fault === 'restart' ? this.#store.restart!(downMs) : this.#store.cut(downMs)
    return done.finally(() => {
      this.#log.write('server-back', { text: fault })
      this.#serverIsBusy = false
    })
  }

  /** An engine that can't be reached, or has forgotten all, is no reason for anything: what is judged knows nothing of it. */
  async #engineFault(fault: EngineFault): Promise<void> {
    const { engine } = this.#cast
    if (fault === 'away') await engine!.goAway(this.#plan.leaseMs * 3 * this.#random())
    // Its server may be away as well.
    else await engine!.empty().catch(() => {})
  }

  #spawn(): void {
    const { kind, url } = this.#store
    const name = `w${++this.#born}`
    const { leaseMs, longestStepMs = defaultLongestStepMs } = this.#plan
    const living = [...this.#workers].filter(({ isAlive }) => isAlive).map((worker) => worker.name)
    const settings: WorkerSettings = {
      ...this.#cast.settingsOf?.(name, living),
      name,
      kind,
      url,
      log: this.#path,
      leaseMs,
      longestMs: longestStepMs,
    }
    const worker: ChaosWorker = new WorkerProcess(this.#cast.script, settings, this.#log)
    this.#workers.add(worker)
    void worker.exited.then(() => {
      this.#workers.delete(worker)
      this.#checkEnd(worker)
      if (!this.#isOver) this.#spawn()
    })
  }

  #checkEnd({ name, ending, end, errors }: ChaosWorker): void {
    const { code, signal } = end!
    this.#readOn()
    // Before it listens, SIGTERM is the end.
    const isEarly = signal === 'SIGTERM' && !this.#ready.has(name)
    const isAsExpected = ending === 'SIGKILL' ? signal === 'SIGKILL' : ending === 'SIGTERM' && (code === 0 || isEarly)
    if (!isAsExpected)
      this.#violations.push(`${name} ended with ${signal ?? code} (asked: ${ending ?? 'nothing'}): ${errors.trim()}`)

    const complaints = this.#mayHaveWaited ? withoutWaits(errors) : errors.trim()
    if (isAsExpected && complaints !== '') this.#violations.push(`${name} printed: ${complaints}`)
  }

  /** Keeps the workers busy until the storm is over and everything that was ordered has been taken and has ended. */
  async #feed(): Promise<void> {
    const { executions, inFlight, afterwards = 0, longestSettleMs = defaultLongestSettleMs } = this.#plan
    let overAt = Infinity
    let enough = executions
    for (;;) {
      this.#readOn()
      if (this.#isOver && overAt === Infinity) {
        overAt = Date.now()
        enough = Math.max(executions, this.#orders.size + afterwards)
      }
      const isEnough = this.#isOver && this.#orders.size >= enough
      if (!isEnough) while (this.#underWay.size < inFlight && this.#order());
      this.#repeatOrders()
      this.#cast.besides?.(this.#able, [...this.#underWay.keys()], this.#orders.size)
      if (this.#isHopeless) return
      if (isEnough && this.#unconfirmed.size === 0 && this.#underWay.size === 0) return
      const now = Date.now()
      if (now > Math.max(overAt, this.#stoodAt) + settleMs || now > overAt + longestSettleMs) {
        const left = [...this.#underWay.keys()]
        const busy =
          this.#standstills === 0
            ? ''
            : `, in which event loops stood still ${this.#standstills} times for half a lease`
        this.#violations.push(
          `after ${now - overAt} ms without faults${busy}, not ended: ${left.length} (${left.slice(0, 5).join(', ')})`,
        )
        return
      }
      await sleep(25)
    }
  }

  #readOn(): void {
    for (const { kind, worker, execution, text, at } of this.#log.read()) {
      if (kind === 'ready') this.#ready.add(worker)
      if (kind === 'stood' && this.#isOver) {
        this.#stoodAt = at
        this.#standstills++
      }
      if (kind === 'accepted') this.#unconfirmed.delete(execution!)
      if (kind === 'refused') this.#refused(execution!, text!)
      // Whoever lost it or handed it over has ended it for itself only.
      if (kind === 'ended') this.#underWay.delete(execution!)
      // Whoever ended it may not have lived to tell; a result tells it too.
      if (kind === 'result' || (kind === 'no-result' && text!.startsWith('open STEP_FAILED')))
        this.#underWay.delete(execution!)
    }
    // One of which nothing was heard for long (its end may have gone untold) is asked for again: the answer is its result.
    const now = Date.now()
    for (const [execution, at] of this.#underWay)
      if (now - at > 5_000 && !this.#unconfirmed.has(execution)) {
        this.#underWay.set(execution, now)
        this.#send(this.#orders.get(execution)!, 1)
      }
  }

  #refused(execution: string, text: string): void {
    const order = this.#unconfirmed.get(execution)
    if (order !== undefined) this.#unconfirmed.set(execution, { ...order, at: 0 })
    if (!/^(?:closing|old|open STORE_FAILED)/.test(text)) this.#violations.push(`${execution} was refused: ${text}`)
  }

  /** Orders another execution; false if there is nobody to do it. */
  #order(): boolean {
    const number = this.#orders.size
    const order = this.#cast.orderOf(number, this.#random)
    const { execution } = order
    if (!this.#send(order, this.#random() < 0.1 ? 2 : 1)) return false
    this.#orders.set(execution, order)
    this.#underWay.set(execution, Date.now())
    return true
  }

  get #able(): readonly ChaosWorker[] {
    return [...this.#workers].filter((worker) => worker.isAlive && !worker.isStopped)
  }

  #send(order: StartOrder, count: number): boolean {
    const able = this.#able
    const first = Math.floor(this.#random() * able.length)
    const workers = [...able.slice(first), ...able.slice(0, first)].slice(0, count)
    if (workers.length === 0) return false
    for (const worker of workers) worker.give(order)
    this.#unconfirmed.set(order.execution, { workers, at: Date.now() })
    return true
  }

  /** Orders that were lost with who had them are given to somebody else. */
  #repeatOrders(): void {
    const now = Date.now()
    for (const [execution, { workers, at }] of this.#unconfirmed) {
      const isLost = workers.every((worker) => !worker.isAlive) || now - at > 10_000
      if (isLost && (at > 0 || this.#random() < 0.2)) this.#send(this.#orders.get(execution)!, 1)
    }
  }

  async #end(): Promise<void> {
    await Promise.all(
      [...this.#workers].map(async (worker) => {
        if (!worker.isAlive) return
        if (!(await worker.close(closeMs)))
          this.#violations.push(`${worker.name} did not end within ${closeMs} ms of SIGTERM, in peace`)
      }),
    )
  }
}
