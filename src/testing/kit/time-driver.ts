import { performance } from 'node:perf_hooks'
import { moment, turn } from './test-time.ts'
import type { TestTime } from './test-time.ts'

/** What the driver has to know of the world whose time it moves. */
export interface TestedWorld {
  /** Whether a function of a step runs that somebody waits for. */
  isWorking(): boolean
  /** The functions that run, for people: among them those that wait for virtual time. */
  whatWorks(): readonly string[]
  /** Goes on with what is due. */
  lookForWork(): Promise<void>
  /** What waits, for people. */
  whatWaits(): Promise<readonly string[]>
}

// How many rounds of upkeep may pass with nothing to come of them.
const idleRounds = 20
/** How long nothing at all may happen, in real time, before it is said that nothing will: somebody outside may still be at work. */
const patienceMs = 2_000
/**
 * So many moments, each a millisecond and a little more, a function may take in which nothing else happens before it is said that time stands still for it. They are
 * counted, since tests fake clocks, and a debugger stops the program for minutes.
 */
const patienceMoments = 4_000
const mostNamed = 5

interface OpenCall {
  readonly reject: (error: Error) => void
}

/**
 * Moves the time of a test docket: only while a call is open or time is advanced, and only when nothing is under way. It stops at each due time, in
 * their order.
 */
export class TimeDriver {
  readonly #time: TestTime
  readonly #world: TestedWorld
  readonly #open = new Set<OpenCall>()
  /** Due times of what is parked; some are past, or of what has gone on before. */
  readonly #parked = new Set<number>()
  readonly #advances: { readonly end: number; readonly resolve: () => void }[] = []
  #storeCalls = 0
  #isRunning = false
  #idle = 0
  #idleSince = 0
  #moments = 0

  constructor(time: TestTime, world: TestedWorld) {
    this.#time = time
    this.#world = world
  }

  /** Time moves until what it starts has settled. */
  during<Value>(start: () => Promise<Value>): Promise<Value> {
    return new Promise((resolve, reject) => {
      const call: OpenCall = {
        reject: (error) => {
          this.#open.delete(call)
          reject(error)
        },
      }
      this.#open.add(call)
      start().then(
        (value) => {
          this.#open.delete(call)
          resolve(value)
        },
        (error: unknown) => {
          this.#open.delete(call)
          reject(error as Error)
        },
      )
      this.#run()
    })
  }

  /** Moves time on by so much. */
  advance(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.#advances.push({ end: this.#time.now() + ms, resolve })
      this.#run()
    })
  }

  /** Counts a call of the store that has begun; the returned function is called at its end. */
  storeCall(method: string, given: readonly unknown[]): () => void {
    this.#storeCalls++
    if (method === 'commit') this.#noteParkings(given[0] as readonly { readonly park?: { readonly dueAt?: number } }[])
    return () => void this.#storeCalls--
  }

  /** Time stands still until it has settled. */
  busyWith(work: Promise<unknown>): void {
    const ends = this.storeCall('', [])
    void work.then(ends, ends)
  }

  /** Something has happened: there may be more to come. */
  progressed(): void {
    this.#idle = 0
    this.#idleSince = 0
    this.#moments = 0
  }

  #noteParkings(commits: readonly { readonly park?: { readonly dueAt?: number } }[]): void {
    for (const { park } of commits) if (park?.dueAt !== undefined) this.#parked.add(Math.ceil(park.dueAt))
  }

  #run(): void {
    if (this.#isRunning) return
    this.#isRunning = true
    void this.#loop()
  }

  async #loop(): Promise<void> {
    try {
      this.progressed()
      while (this.#open.size > 0 || this.#advances.length > 0) {
        await this.#untilQuiet()
        const advance = this.#advances[0]
        if (advance === undefined && this.#open.size === 0) break
        if (advance === undefined && this.#world.isWorking()) {
          await this.#letWork()
          continue
        }
        // Upkeep that is due at once: a message has come, or there is room for more.
        if (this.#idle < idleRounds && (this.#time.nextDue(true) ?? Infinity) <= this.#time.now()) {
          this.#idle++
          await this.#moveTo(this.#time.now())
          continue
        }
        const next = this.#nextDue()
        if (advance !== undefined && (next === undefined || next > advance.end)) {
          await this.#moveTo(advance.end)
          this.#advances.shift()
          advance.resolve()
        } else if (next !== undefined) {
          this.progressed()
          await this.#moveTo(next)
        } else await this.#waitIdly()
      }
    } finally {
      // At once: whoever has waited for the last of it may begin something in the very next microtask.
      this.#isRunning = false
    }
  }

  /** Until no microtask, no turn of the event loop and no call of the store is pending. */
  async #untilQuiet(): Promise<void> {
    for (let quiet = 0; quiet < 2;) {
      await turn()
      quiet = this.#storeCalls > 0 || this.#time.hasPendingTurns ? 0 : quiet + 1
    }
  }

  #nextDue(): number | undefined {
    let next = this.#time.nextDue()
    for (const dueAt of this.#parked) {
      if (dueAt < this.#time.now()) this.#parked.delete(dueAt)
      else if (next === undefined || dueAt < next) next = dueAt
    }
    return next
  }

  async #moveTo(time: number): Promise<void> {
    await this.#time.moveTo(time, () => this.#untilQuiet())
    if (this.#parked.delete(time)) await this.#world.lookForWork().catch(() => {})
  }

  /** A function works in real time. It may wait for what never comes, such as a promise that its test forgot: then nothing else says why the test hangs. */
  async #letWork(): Promise<void> {
    await moment()
    if (++this.#moments !== patienceMoments) return
    const all = this.#world.whatWorks()
    const more = all.length > mostNamed ? `, and ${all.length - mostNamed} more` : ''
    process.emitWarning(
      `a test docket has waited for seconds of real time for ${all.slice(0, mostNamed).join(', ')}${more}: its time stands still until these functions settle. One that takes time awaits docket.sleep(…); one that never settles is ended by docket.advance(…), past its timeout`,
      'DocketTestWarning',
    )
  }

  /** Nothing is due: upkeep may find something, or somebody outside may call. */
  async #waitIdly(): Promise<void> {
    const upkeep = this.#time.nextDue(true)
    if (this.#idle++ < idleRounds && upkeep !== undefined) {
      await this.#time.moveTo(upkeep, () => this.#untilQuiet())
      return
    }
    this.#idleSince ||= performance.now()
    await moment()
    if (performance.now() - this.#idleSince < patienceMs) return
    const waiting = await this.#world.whatWaits().catch(() => [])
    const what = waiting.length === 0 ? 'no execution is open' : waiting.join('; ')
    const open = [...this.#open]
    for (const call of open)
      call.reject(new Error(`the call is pending, and nothing is left that could settle it: ${what}`))
  }
}
