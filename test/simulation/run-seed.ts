import { isTerminal } from '../../src/core/contracts/statuses.ts'
import { addLedgers } from './ledgers.ts'
import { Calls } from './calls.ts'
import type { SimulatedProgram } from './declared-docket.ts'
import { Disturbances } from './disturbances.ts'
import { Faults, profiles } from './faults.ts'
import type { Profile, ProfileName } from './faults.ts'
import { isLeftAlone, isUnwritten } from './feature-checks.ts'
import { activeTimesOf, featuresOf } from './features.ts'
import type { Features } from './features.ts'
import { checkTheEnd, describeOpen } from './final-checks.ts'
import { History } from './history.ts'
import type { Life } from './life.ts'
import { queueNames, randomQueue } from './limits.ts'
import type { SimulatedQueue } from './limits.ts'
import { MachineUsers } from './machine-users.ts'
import { MoreUsers } from './more-users.ts'
import { Movers } from './movers.ts'
import type { SimulatedBatch } from './random-batch.ts'
import { randomChildren, randomGraph } from './random-graph.ts'
import type { SimulatedGraph } from './simulated-step.ts'
import { RandomSource } from './random-source.ts'
import { randomSchedule } from './schedules.ts'
import type { SimulatedSchedule } from './schedules.ts'
import { RequestUsers } from './request-users.ts'
import { watchOrphans } from './orphans.ts'
import { Scheduler } from './scheduler.ts'
import { SimulatedDocket } from './simulated-docket.ts'
import { SimulatedProcess } from './simulated-process.ts'
import { watchSleepers } from './sleepers.ts'
import { StoreServer } from './simulated-store.ts'
import { randomTimetable } from './timetables.ts'
import { Users } from './users.ts'
import { randomVersions, SimulatedVersion } from './versions.ts'

/** How a run went. */
export interface SeedOutcome {
  readonly seed: number
  readonly profile: ProfileName
  /** What must never happen and did; empty when all is well. */
  readonly violations: readonly string[]
  readonly faults: Readonly<Record<string, number>>
  readonly log: readonly string[]
}

// What is late arrives up to so long after the faults have stopped.
const lateMs = 10_500
// Clocks that are off by minutes hold a retry up for as long, in the process that goes on with it.
const longestEndMs = 1_800_000
const startAgainMs = 5_000
const answerEveryMs = 4_000

/** How a world is run. */
interface RunOptions {
  /** Whether the outcome has a log. @default false */
  readonly isVerbose?: boolean
  /** Whether a world of plain steps, in which answers are lost, is watched at the end for as long as somebody takes to look again. @default for every fifth, as that is as long as all before */
  readonly isWatched?: boolean
}

/** Runs the world of one seed to its end. The same seed gives the same run. */
export async function runSeed(
  seed: number,
  { isVerbose = false, isWatched = seed % 5 === 0 }: RunOptions = {},
): Promise<SeedOutcome> {
  const random = new RandomSource(seed)
  const profile = random.weighted({ calm: 15, users: 20, crashes: 20, network: 15, storm: 30 })
  const simulation = new Simulation(random, profiles[profile], featuresOf(seed, random), isVerbose, isWatched)
  const unhandled = (error: unknown): void =>
    simulation.history.violate(
      `unhandled rejection: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
    )
  process.on('unhandledRejection', unhandled)
  const { stackTraceLimit } = Error
  // Thousands of errors are made, and nobody looks at where.
  if (!isVerbose) Error.stackTraceLimit = 0
  try {
    await simulation.run()
  } finally {
    Error.stackTraceLimit = stackTraceLimit
    process.off('unhandledRejection', unhandled)
  }
  const { violations, log } = simulation.history
  return { seed, profile, violations, faults: simulation.faults.counts, log }
}

/** One world: its store, its processes, its users, and what befalls them. */
export class Simulation {
  readonly scheduler = new Scheduler()
  readonly history: History
  readonly faults: Faults
  readonly dockets: SimulatedDocket[] = []
  readonly calls: Calls
  readonly profile: Profile
  readonly features: Features
  readonly batches = new Map<string, SimulatedBatch>()
  readonly leaseMs: number
  /** Whether the world is watched at the end for as long as somebody who has lost an answer takes to look again. */
  readonly isWatchedLong: boolean
  readonly users: Users
  /** Undefined where there are no machines. */
  readonly #writers: MachineUsers | undefined
  /** Undefined where nobody sends updates. */
  readonly #askers: RequestUsers | undefined
  readonly #random: RandomSource
  /** Children before their parents. */
  readonly #graphs: readonly SimulatedGraph[]
  readonly #server: StoreServer
  /** Undefined where there is one store. */
  readonly #there: StoreServer | undefined
  /** Undefined where nothing is moved. */
  readonly #movers: Movers | undefined
  readonly #activeMs: number
  readonly #hasHints: boolean
  /** Empty where nothing begins by the clock. */
  readonly #schedules: readonly SimulatedSchedule[] = []
  readonly #more: MoreUsers
  /** What processes run; the oldest first. */
  readonly #versions: readonly SimulatedVersion[]
  /** What processes declare of queues; undefined where there is one without limits. */
  readonly #queues: Readonly<Record<string, SimulatedQueue>> | undefined
  readonly #disturbances: Disturbances
  /** When the last fault was over. */
  calmSince = Infinity

  constructor(random: RandomSource, profile: Profile, features: Features, isVerbose: boolean, isWatched: boolean) {
    this.#random = random
    this.profile = profile
    this.features = features
    this.leaseMs = random.pick([500, 1_000, 3_000, 5_000])
    this.#activeMs = random.pick(activeTimesOf(features))
    this.#hasHints = random.chance(0.7)
    if (features.hasQueues) this.#queues = Object.fromEntries(queueNames.map((name) => [name, randomQueue(random)]))
    const { late, slow } = profile.rates
    this.isWatchedLong = late + slow > 0 && (features.hasWaits ? random.chance(0.2) : isWatched)
    const isCalm = profile === profiles.calm
    const within = features.hasWaits ? randomChildren(random, isCalm, features) : []
    const graphs = Array.from({ length: random.int(1, 2) }, (_, index) =>
      randomGraph(random, `G${index}`, isCalm, features, within),
    )
    this.#graphs = [...within, ...graphs]
    this.#versions = features.hasVersions ? randomVersions(random, this.#graphs, features) : [new SimulatedVersion(0)]
    this.users = new Users(this, random, graphs)
    if (features.hasSchedules)
      this.#schedules = [randomSchedule(random, graphs, this.scheduler.now, this.#activeMs, features.hasQueues)]
    if (features.hasTimetable)
      this.#schedules = randomTimetable(random, graphs, this.scheduler.now, this.#activeMs, features.hasQueues)
    this.#more = new MoreUsers(this, random, this.#schedules)
    const barriers = this.#graphs.flatMap(({ name, steps }) =>
      steps.some(({ ports }) => ports.some(({ isAll }) => isAll)) ? [name] : [],
    )
    this.history = new History(this.scheduler, isVerbose, new Set(barriers))
    addLedgers(this.history, {
      features,
      graphs: this.#graphs,
      batches: this.batches,
      schedules: this.#schedules,
      isDisturbed: profile.kills + profile.pauses + profile.closes + late > 0,
      isPrompt: isCalm,
    })
    if (features.hasMachines) this.#writers = new MachineUsers(this, random)
    if (features.hasUpdates) this.#askers = new RequestUsers(this, random)
    this.faults = new Faults(random, profile.rates)
    this.#disturbances = new Disturbances(this, random, () => this.#addProcess())
    this.#server = new StoreServer(this.scheduler, random, this.faults, this.history)
    if (features.hasStores) {
      this.#there = new StoreServer(this.scheduler, random, this.faults, this.history, 'there')
      this.#movers = new Movers(this, random, this.#there, (process, server) => ({
        ...this.#programOf(process, server, true, this.#versions[0]!),
        isMover: true,
      }))
    }
    this.calls = new Calls(
      this.history,
      this.scheduler,
      this.#graphs.flatMap(({ steps }) => steps),
      this.batches,
      this.#graphs,
    )
    if (this.#queues !== undefined) this.calls.limits.queues = this.#queues
    this.history.tell(() =>
      JSON.stringify({
        leaseMs: this.leaseMs,
        graphs: this.#graphs,
        queues: this.#queues,
        schedules: this.#schedules,
        profile,
        features,
      }),
    )
  }

  /** All of them, children before their parents. */
  get graphs(): readonly SimulatedGraph[] {
    return this.#graphs
  }

  get server(): StoreServer {
    return this.#server
  }

  get servers(): readonly StoreServer[] {
    return this.#there === undefined ? [this.#server] : [this.#server, this.#there]
  }

  get isCalm(): boolean {
    return this.profile === profiles.calm
  }

  async run(): Promise<void> {
    const { scheduler } = this
    const beganAt = scheduler.now
    for (let processes = this.#random.int(1, 3); processes > 0; processes--) this.#addProcess()
    if (this.features.hasWaits && this.#random.chance(0.5)) this.#addProcess(true)
    if (this.#there !== undefined) this.#addProcess(false, this.#versions[0], this.#there)
    this.#plan()
    if (this.profile.rates.error === 0) watchOrphans(this)
    if (this.features.hasWaits) watchSleepers(this)
    await scheduler.until(beganAt + this.#activeMs)
    await this.#calm()
    let isOver = await scheduler.until(scheduler.now + longestEndMs, () => this.#isOver())
    // What waits for the end of another execution is begun at the next look.
    while (isOver && (await this.#hasMoreToBegin())) {
      await scheduler.until(scheduler.now + 2_000)
      isOver = await scheduler.until(scheduler.now + longestEndMs, () => this.#isOver())
    }
    if (!isOver) this.history.violate(`no end within ${longestEndMs} ms: ${describeOpen(this)}`)
    else await checkTheEnd(this)
    for (const { process } of this.dockets) process.kill()
    this.#movers?.kill()
    await scheduler.until(scheduler.now + lateMs)
  }

  /** Faults stop, what was stopped goes on, and somebody is there to finish the work. */
  async #calm(): Promise<void> {
    const { scheduler, history, faults } = this
    faults.isActive = false
    faults.isOut = false
    for (const { process } of this.dockets) process.resume()
    history.tell(() => 'faults stop')
    // What a version can't go on with is left to the others.
    if (this.features.hasVersions) for (const version of this.#versions) this.#addProcess(false, version)
    else if (!this.workers.some(({ place }) => place === 'here')) this.#addProcess()
    const there = this.#there
    if (there !== undefined && !this.workers.some(({ place }) => place === 'there'))
      this.#addProcess(false, this.#versions[0], there)
    await scheduler.until(scheduler.now + (this.profile.rates.late > 0 ? lateMs : 100))
    this.calmSince = scheduler.now
    if (this.features.hasBatches) this.#startAgain()
    if (this.features.hasWaits) this.#answerAll()
    this.#movers?.finish()
    await scheduler.until(scheduler.now + this.leaseMs + 1_000)
    const left = this.#leftBehind().map(({ id, epoch }) => ({ id, epoch }))
    // What is handed on at that moment is not left behind.
    await scheduler.until(scheduler.now + 500)
    // Somebody lives, and nothing hinders it: whatever was left behind has been found.
    for (const { id, status, owner, epoch } of this.#leftBehind())
      if (left.some((one) => one.id === id && one.epoch === epoch))
        history.violate(`${id} is ${status} and still belongs to ${owner ?? 'nobody'} after the lease and a second`)
  }

  #leftBehind(): readonly Life[] {
    const { history } = this
    return [...history.lives.values()].filter(
      (life) => !isTerminal(life.status) && !history.isAlive(life.owner) && !isLeftAlone(this, life),
    )
  }

  /** Who was not told that a batch survives starts it again, now and then. */
  #startAgain(): void {
    for (const life of this.history.lives.values())
      if (!isTerminal(life.status) && isUnwritten(this.batches, life)) this.users.startAgain(this.batches.get(life.id)!)
    this.scheduler.after(startAgainMs, () => this.#startAgain())
  }

  /** Somebody answers whatever still waits for a signal, until all has ended. */
  #answerAll(): void {
    this.users.answerAll()
    this.#more.finish()
    this.#writers?.answerAll()
    this.#askers?.answerAll()
    this.scheduler.after(answerEveryMs, () => this.#answerAll())
  }

  async #hasMoreToBegin(): Promise<boolean> {
    if (this.#schedules.length === 0) return false
    const schedules = await this.#server.inner.listSchedules({ limit: 10 })
    return schedules.some(({ dueAt }) => dueAt !== undefined)
  }

  #isOver(): boolean {
    for (const life of this.history.lives.values()) if (!isTerminal(life.status)) return false
    if (this.history.moves !== undefined && this.history.moves.arriving.size > 0) return false
    if (this.#movers?.isIdle === false) return false
    for (const { process, operations } of this.dockets)
      if (process.state === 'up' && operations.some(({ settledAt }) => settledAt === undefined)) return false
    return this.calls.all.every(
      ({ endedAt, process }) =>
        endedAt !== undefined || this.dockets.find((docket) => docket.process.name === process)!.process.state !== 'up',
    )
  }

  /** A process of any version, if it does not matter which: they are deployed beside each other, and taken back. */
  #addProcess(
    isWatcher = false,
    version = this.#versions.length === 1 ? this.#versions[0]! : this.#random.pick(this.#versions),
    server = this.#server,
  ): void {
    const name = `p${this.dockets.length + 1}`
    const offsetMs = this.#random.chance(0.5) ? 0 : this.#random.int(-180_000, 180_000)
    const process = new SimulatedProcess(name, this.scheduler, this.#random, offsetMs, this.features.hasWaits)
    this.history.tell(() => `${name} starts, its clock off by ${offsetMs} ms`)
    this.history.versions?.runs(name, version)
    if (server !== this.#server) this.history.moves?.isThere(name)
    this.dockets.push(new SimulatedDocket(this.#programOf(process, server, isWatcher, version)))
  }

  #programOf(
    process: SimulatedProcess,
    server: StoreServer,
    isWatcher: boolean,
    version: SimulatedVersion,
  ): SimulatedProgram {
    const { history, calls, leaseMs, features, batches } = this
    return {
      process,
      server,
      graphs: this.#graphs,
      random: this.#random,
      history,
      calls,
      leaseMs,
      hasHints: this.#hasHints,
      features,
      batches,
      isWatcher,
      queues: this.#queues,
      schedules: this.#schedules,
      version,
      parkMs: features.hasWaits ? this.#random.pick([undefined, 0, 50, 300, 1_000, 3_000]) : undefined,
    }
  }

  /** What will happen while the run is active. */
  #plan(): void {
    const { profile, users } = this
    const random = this.#random
    for (let starts = random.int(1, 8); starts > 0; starts--) this.#sometimes(() => users.start())
    for (let asks = random.int(0, 4); asks > 0; asks--) this.#sometimes(() => users.ask())
    if (profile.hasUsers) for (let acts = random.int(1, 8); acts > 0; acts--) this.#sometimes(() => users.meddle())
    for (let kills = random.int(0, profile.kills); kills > 0; kills--) this.#sometimes(() => this.#disturbances.kill())
    for (let pauses = random.int(0, profile.pauses); pauses > 0; pauses--)
      this.#sometimes(() => this.#disturbances.pause())
    for (let closes = random.int(0, profile.closes); closes > 0; closes--)
      this.#sometimes(() => this.#disturbances.close())
    for (let outages = random.int(0, profile.outages); outages > 0; outages--)
      this.#sometimes(() => this.#disturbances.cutOff())
    this.#more.plan((happen) => this.#sometimes(happen))
    if (!this.features.hasWaits) return
    for (let letters = random.int(0, 20); letters > 0; letters--) this.#sometimes(() => users.send())
    if (this.features.hasMoves)
      for (let moves = random.int(0, 8); moves > 0; moves--) this.#sometimes(() => users.move())
    const writers = this.#writers
    if (writers !== undefined)
      for (let letters = random.int(0, 30); letters > 0; letters--) this.#sometimes(() => writers.write())
    const movers = this.#movers
    if (movers !== undefined)
      for (let times = random.int(1, 10); times > 0; times--) this.#sometimes(() => movers.move())
    const askers = this.#askers
    if (askers !== undefined) for (let asks = random.int(0, 16); asks > 0; asks--) this.#sometimes(() => askers.send())
    if (this.features.hasVerbs)
      for (let notes = random.int(0, 20); notes > 0; notes--) this.#sometimes(() => users.note())
    if (this.features.hasEvents)
      for (let events = random.int(0, 16); events > 0; events--) this.#sometimes(() => users.emit())
    if (this.features.hasDetaching)
      for (let times = random.int(0, 3); times > 0; times--) this.#sometimes(() => users.detach())
    for (let clocks = random.int(0, 2); clocks > 0; clocks--) this.#sometimes(() => this.#disturbances.setClock())
  }

  #sometimes(happen: () => void): void {
    // Much at the beginning, when it meets what has just begun.
    const at = this.#activeMs * this.#random.next() ** 2
    this.scheduler.after(at, () => {
      if (this.faults.isActive) happen()
    })
  }

  /** What calls and short pauses may add to a recovery. */
  get slackMs(): number {
    return this.profile.rates.slow > 0 ? 8_000 : 500
  }

  /** Those that run executions, and can. */
  get workers(): readonly SimulatedDocket[] {
    return this.dockets.filter((docket) => docket.isUsable && !docket.isWatcher)
  }
}
