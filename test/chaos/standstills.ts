import type { ChaosLog } from './chaos-log.ts'

const lookEveryMs = 20

/**
 * Writes down when the event loop of a worker stands still for longer than half its lease, though nobody has stopped it: a machine that is so busy lets no process
 * keep such a lease, and what runs goes from one to the next without getting anywhere.
 */
export function noteStandstills(log: ChaosLog, leaseMs: number): void {
  let last = performance.now()
  setInterval(() => {
    const now = performance.now()
    const n = Math.round(now - last - lookEveryMs)
    last = now
    if (n > leaseMs / 2) log.write('stood', { n })
  }, lookEveryMs).unref()
}
