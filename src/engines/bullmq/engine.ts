import type {
  Engine,
  EngineCapabilities,
  EngineConsumer,
  EngineHost,
  UsePermit,
  Wake,
} from '../../core/contracts/engine.ts'
import { EngineError } from '../../core/engine-error.ts'
import type { Backend, WakeQueue } from './backend.ts'
import type { BullmqEngineOptions } from './bullmq-engine-options.ts'
import { BullmqConsumer } from './consumer.ts'
import { engineError } from './errors.ts'
import { engineName } from './name.ts'
import { resolveOptions } from './options.ts'
import type { ResolvedOptions } from './options.ts'
import { openPostgres } from './postgres-backend.ts'
import { openRedis } from './redis-backend.ts'
import { jobOf, queueNameOf } from './wake-jobs.ts'
import { within } from './within.ts'

/**
 * An engine on BullMQ (6.7 or newer), on Redis (one server, Sentinel or a cluster) or PostgreSQL. Needs the packages `bullmq`, and `ioredis` or `pg`. A job
 * carries an execution's id and nothing else; whatever becomes of BullMQ's data, nothing is lost.
 *
 * On PostgreSQL, run `migrate(url)` of `docket/engines/bullmq` once for each deployment.
 *
 * @example
 * createDocket({ graphs, store, engine: bullmqEngine({ connection: 'redis://127.0.0.1:6379' }), work: { default: 50 } })
 * @throws OptionError with all problems
 */
export function bullmqEngine(options: BullmqEngineOptions): Engine {
  return new BullmqEngine(resolveOptions(options))
}

/** More at once would hold up others: a job is added by a script of its own, and those of one call run in one go. */
const portion = 100

class BullmqEngine implements Engine {
  readonly name = engineName
  readonly capabilities: EngineCapabilities = {
    isShared: true,
    delivers: true,
    keepsWakes: true,
    deduplicates: true,
    countsExactly: false,
  }
  readonly #options: ResolvedOptions
  readonly #hosts: EngineHost[] = []
  #backend: Backend | undefined
  #opening: Promise<void> | undefined
  readonly #queues = new Map<string, Promise<WakeQueue>>()
  /** Calls whose answer did not come in time: while there are any, no more are sent, since they would wait in memory. */
  #late = 0

  constructor(options: ResolvedOptions) {
    this.#options = options
  }

  async open(host: EngineHost): Promise<void> {
    await (this.#opening ??= this.#open().finally(() => {
      this.#opening = undefined
    }))
    this.#hosts.push(host)
  }

  async wake(wakes: readonly Wake[]): Promise<void> {
    const backend = this.#backend
    if (backend === undefined) return
    const byQueue = Map.groupBy(wakes, ({ queue }) => queue)
    await Promise.all([...byQueue].map(([queue, some]) => this.#wake(backend, queue, some)))
  }

  async waiting(queue: string): Promise<number> {
    const backend = this.#backend
    if (backend?.isReachable !== true || this.#late > 0) return 0
    try {
      const { waiting } = await this.#queue(backend, queue)
      return waiting === undefined ? 0 : await within(this.#options.timeoutMs, waiting())
    } catch (error) {
      this.#report('counting wakes', error)
      return 0
    }
  }

  async consume(queue: string, slots: number, use: UsePermit): Promise<EngineConsumer> {
    const backend = this.#backend
    if (backend === undefined) throw notOpen()
    const name = queueNameOf(this.#options.prefix, queue)
    try {
      // It says how many events are kept.
      await this.#queue(backend, queue)
      const consumer = new BullmqConsumer(slots, use, (error) => this.#report('a worker', error))
      await consumer.start(backend, name)
      if (this.#backend === backend) return consumer
      // It was closed meanwhile.
      await consumer.close()
      throw notOpen()
    } catch (error) {
      throw engineError(error, `it can’t take wakes of queue ${JSON.stringify(queue)}`)
    }
  }

  async close(): Promise<void> {
    this.#hosts.pop()
    if (this.#hosts.length > 0) return
    const backend = this.#backend
    this.#backend = undefined
    const queues = [...this.#queues.values()]
    this.#queues.clear()
    const { timeoutMs } = this.#options
    await Promise.all(
      queues.map(async (opening) => {
        const queue = await opening.catch(() => undefined)
        await within(timeoutMs, queue?.close() ?? Promise.resolve()).catch(() => {})
      }),
    )
    await backend?.close()
  }

  async #open(): Promise<void> {
    if (this.#backend !== undefined) return
    const { source, lockMs, stallMs, timeoutMs } = this.#options
    const settings = { lockMs, stallMs }
    this.#backend =
      source.type === 'postgres'
        ? await openPostgres(source, settings, timeoutMs)
        : await openRedis(source, settings, timeoutMs)
  }

  async #wake(backend: Backend, queue: string, wakes: readonly Wake[]): Promise<void> {
    try {
      for (let from = 0; from < wakes.length; from += portion) {
        if (!backend.isReachable || this.#late > 0) return
        const adding = this.#queue(backend, queue).then((open) =>
          open.addBulk(wakes.slice(from, from + portion).map(jobOf)),
        )
        await within(this.#options.timeoutMs, adding).catch((error: unknown) => {
          this.#follow(adding)
          throw error
        })
      }
    } catch (error) {
      this.#report('waking', error)
    }
  }

  /** Until it is settled, which it is at once where it has failed. What was on its way when a connection was cut may never be. */
  #follow(adding: Promise<unknown>): void {
    this.#late++
    const settled = (): void => void this.#late--
    within(this.#options.timeoutMs, adding).then(settled, settled)
  }

  #queue(backend: Backend, queue: string): Promise<WakeQueue> {
    let opening = this.#queues.get(queue)
    if (opening === undefined) {
      opening = backend.queue(queueNameOf(this.#options.prefix, queue), (error) => this.#report('a queue', error))
      this.#queues.set(queue, opening)
      opening.catch(() => this.#queues.delete(queue))
    }
    return opening
  }

  #report(what: string, error: unknown): void {
    for (const host of this.#hosts) host.report(engineError(error, what))
  }
}

function notOpen(): EngineError {
  return new EngineError(engineName, 'it is not open', true)
}
