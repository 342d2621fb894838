import type { Job } from 'bullmq'
import type { EngineConsumer, UsePermit } from '../../core/contracts/engine.ts'
import type { Backend, WakeWorker } from './backend.ts'
import { idOf } from './wake-jobs.ts'
import { within } from './within.ts'

/** After its last permit, for the server to answer: what is then still held comes back to others once its lock has run out. */
const patienceMs = 3_000
/** After so many errors in succession, it rests for so long. */
const mostErrors = 10
const restMs = 1_000

/** Takes jobs of one queue, and holds each for as long as its permit is in use: so that what BullMQ counts as active is what is worked on. */
export class BullmqConsumer implements EngineConsumer {
  readonly #use: UsePermit
  readonly #closing = new AbortController()
  readonly #inUse = new Set<Promise<unknown>>()
  readonly #report: (error: unknown) => void
  #slots: number
  #errors = 0
  #rest: NodeJS.Timeout | undefined
  #worker: WakeWorker | undefined
  #closed: Promise<void> | undefined

  constructor(slots: number, use: UsePermit, report: (error: unknown) => void) {
    this.#slots = slots
    this.#use = use
    this.#report = report
  }

  async start(backend: Pick<Backend, 'worker'>, queue: string): Promise<void> {
    this.#worker = await backend.worker({
      queue,
      slots: this.#slots,
      processor: (job, token) => this.#process(job, token),
      onError: (error) => this.#failed(error),
    })
    // Only now: one that fails from the beginning, without a turn of the event loop between, could not be made to rest before.
    this.#worker.run().catch((error: unknown) => this.#failed(error))
  }

  resize(slots: number): void {
    const hadNone = this.#slots === 0
    this.#slots = slots
    if (slots > 0 && this.#worker !== undefined) this.#worker.concurrency = slots
    if (slots === 0) this.#pause()
    else if (hadNone) this.#resume()
  }

  /** BullMQ asks a server that refuses it again at once, and without end. */
  #failed(error: unknown): void {
    this.#report(error)
    if (++this.#errors < mostErrors || this.#rest !== undefined) return
    this.#pause()
    this.#rest = setTimeout(() => {
      this.#rest = undefined
      this.#errors = 0
      this.#resume()
    }, restMs)
    this.#rest.unref()
  }

  #pause(): void {
    if (this.#closed === undefined) this.#worker?.pause(true).catch(ignore)
  }

  #resume(): void {
    if (this.#slots > 0 && this.#rest === undefined && this.#closed === undefined) void this.#worker?.resume()
  }

  close(): Promise<void> {
    this.#closing.abort()
    return (this.#closed ??= this.#end())
  }

  /** BullMQ's own `close` waits without limit, and aborts nothing: each permit is given back first. */
  async #end(): Promise<void> {
    const worker = this.#worker
    clearTimeout(this.#rest)
    if (worker === undefined) return
    const closing = worker.close()
    closing.catch(ignore)
    while (this.#inUse.size > 0) await Promise.allSettled(this.#inUse)
    try {
      await within(patienceMs, closing)
    } catch {
      worker.disconnect().catch(ignore)
      stopRenewing(worker)
    }
  }

  async #process(job: Job<unknown>, token: string | undefined): Promise<void> {
    const using = this.#use(idOf(job.data), this.#closing.signal)
    this.#inUse.add(using)
    this.#errors = 0
    const outcome = await using.finally(() => this.#inUse.delete(using))
    if (outcome === 'done') return
    await job.moveToWait(token)
    const error = new Error('put back')
    // BullMQ knows it by its name, whatever copy of it that is of.
    error.name = 'WaitingError'
    throw error
  }
}

/** A worker that BullMQ can't close goes on to renew its locks, which would keep the process alive. */
function stopRenewing(worker: WakeWorker): void {
  const { lockManager } = worker as WakeWorker & { readonly lockManager?: { close?(): Promise<void> } }
  lockManager?.close?.().catch(ignore)
}

function ignore(): void {}
