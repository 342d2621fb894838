import type { Processor } from 'bullmq'
import type { WakeJob } from './wake-jobs.ts'

/** A queue of BullMQ, as far as wakes are put into it. */
export interface WakeQueue {
  addBulk(jobs: WakeJob[]): Promise<unknown>
  /** How many wait for a worker. Undefined where to count them costs more than to add some. */
  readonly waiting?: () => Promise<number>
  close(): Promise<void>
}

/** A worker of BullMQ, as far as wakes are taken with it. */
export interface WakeWorker {
  concurrency: number
  /** Takes jobs until it is paused or closed. */
  run(): Promise<void>
  pause(doNotWaitActive: boolean): Promise<void>
  resume(): unknown
  close(): Promise<void>
  disconnect(): Promise<void>
}

/** What takes jobs of a queue. */
export interface WorkerRequest {
  /** As BullMQ calls it. */
  readonly queue: string
  readonly slots: number
  readonly processor: Processor<unknown>
  readonly onError: (error: unknown) => void
}

/** The server that keeps the jobs, connected. */
export interface Backend {
  /** Whether a job that is added now would go out now, rather than wait for the server without end. */
  readonly isReachable: boolean
  queue(name: string, onError: (error: unknown) => void): Promise<WakeQueue>
  /** One that does not run yet. @throws EngineError where it can't */
  worker(request: WorkerRequest): Promise<WakeWorker>
  /** Ends connections. Queues and workers are closed before. */
  close(): Promise<void>
}

/** Settings of BullMQ that all queues and workers have here. */
export interface Settings {
  readonly lockMs: number
  readonly stallMs: number
}

/** Options of every worker. The store judges how often something may fail or stall: BullMQ never gives a wake up. */
export function workerOptions({ lockMs, stallMs }: Settings, concurrency: number) {
  return {
    autorun: false,
    concurrency,
    lockDuration: lockMs,
    stalledInterval: stallMs,
    // The largest number that PostgreSQL takes for it.
    maxStalledCount: 2 ** 31 - 1,
    runRetryDelay: 1_000,
  }
}

/** Options of every queue: events are written though nobody reads them, and 10,000 of each queue would be kept. */
export const queueOptions = { streams: { events: { maxLen: 10 } } }
