import { describeThrown } from '../core/thrown.ts'
import type { Duration } from '../core/duration.ts'
import { atMost, sleep } from '../runtime/environment/clock.ts'
import type { BackgroundLoop } from './background-loop.ts'
import type { DocketContext } from './context/docket-context.ts'
import type { EngineHealth, EngineWork } from './engine/engine-work.ts'

/** How `docket.health` looks. */
export interface HealthOptions {
  /** How long the store has to answer. @default '500ms' */
  readonly deadline?: Duration | undefined
}

/** Whether a process should be left alone, and whether it should be given work. */
export interface DocketHealth {
  /**
   * Whether what the docket does by itself goes on: its loop turns, and its lease is renewed, or that is tried. It says nothing of the store: to start the process
   * anew would not mend that. For liveness probes.
   */
  readonly isAlive: boolean
  /** Whether the store answers in time, the process has its lease, and is not closing. For readiness probes. */
  readonly isReady: boolean
  /** Why it is not alive or not ready, in sentences for people; empty where it is both. */
  readonly problems: readonly string[]
  /** How long the store took to answer, in milliseconds; undefined where it did not in time, or was not called. */
  readonly storeMs: number | undefined
  /** How many executions and batches live in this process. */
  readonly executions: number
  /** How many executions are known that this version of the program can't go on with: while others roll out, that is as it should be. */
  readonly incompatible: number
  /**
   * What this process declares of queues, limits of steps and schedules, and what others have declared instead in the last minute, in sentences for people. While others
   * roll out, that is as it should be.
   */
  readonly overruled: readonly string[]
  /** How the engine does; undefined without one. It costs neither life nor readiness: without it, what is ready begins a little later. */
  readonly engine: EngineHealth | undefined
}

/** What came of asking the store. */
type Answer = { readonly tookMs: number; readonly isHeld: boolean } | { readonly error: unknown }

const patienceMs = 10_000

/** Looks how a docket is. A store that hangs is called once, however many probes come. */
export class HealthCheck {
  readonly #context: DocketContext
  readonly #loop: BackgroundLoop
  readonly #engine: Pick<EngineWork, 'health'> | undefined
  #asking: Promise<Answer> | undefined

  constructor(context: DocketContext, loop: BackgroundLoop, engine: Pick<EngineWork, 'health'> | undefined) {
    this.#context = context
    this.#loop = loop
    this.#engine = engine
  }

  /** Takes hardly longer than the deadline, whatever the store does, and never rejects. */
  async look(deadlineMs: number): Promise<DocketHealth> {
    const { isClosing, owned, incompatible, overruled } = this.#context
    const answer = isClosing ? undefined : await this.#storeWithin(deadlineMs)
    const stuck = await this.#stuck()
    const { store } = this.#context.connection
    const problems = [...stuck]
    if (this.#context.isClosing) problems.push('this docket is closing, or closed')
    else if (answer === undefined) problems.push(`the ${store.name} store did not answer within ${deadlineMs} ms`)
    else if ('error' in answer) problems.push(describeThrown(answer.error))
    else if (!answer.isHeld) problems.push('this process has lost its lease; it is about to get another one')
    return {
      isAlive: stuck.length === 0,
      isReady: problems.length === 0,
      problems,
      storeMs: answer === undefined || 'error' in answer ? undefined : answer.tookMs,
      executions: [...owned.values()].length,
      incompatible: incompatible.counts().reduce((sum, [, count]) => sum + count, 0),
      overruled: overruled.messages(),
      engine: this.#engine?.health,
    }
  }

  async #storeWithin(deadlineMs: number): Promise<Answer | undefined> {
    let answer: Answer | undefined
    this.#asking ??= this.#ask().finally(() => {
      this.#asking = undefined
    })
    const asked = this.#asking.then((given) => {
      answer = given
    })
    await atMost(this.#context.hostClock, deadlineMs, asked)
    return answer
  }

  async #ask(): Promise<Answer> {
    const { connection, hostClock } = this.#context
    const { store, session } = connection
    try {
      await connection.ready()
      const { owner } = session
      const since = hostClock.elapsed()
      const [state] = await store.readOwners([owner])
      return { tookMs: hostClock.elapsed() - since, isHeld: state?.isAlive === true }
    } catch (error) {
      return { error }
    }
  }

  /** What should have gone on by itself, and has not. */
  async #stuck(): Promise<readonly string[]> {
    const { hostClock } = this.#context
    if (this.#overdue().length === 0) return []
    // After a long synchronous function the probe may come before the timers.
    await sleep(hostClock, 0)
    await sleep(hostClock, 1)
    return this.#overdue()
  }

  #overdue(): readonly string[] {
    const { session } = this.#context.connection
    const mostMs = Math.max(patienceMs, 2 * session.leaseMs)
    const problems: string[] = []
    if (this.#loop.lateMs > mostMs) problems.push('the loop of this docket has stopped')
    if (session.lateMs > mostMs) problems.push('the lease of this process is not renewed any more')
    return problems
  }
}
