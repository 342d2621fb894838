import type { OwnerState } from '../../src/core/contracts/owner-state.ts'
import type { WorkerState } from '../../src/core/contracts/worker-record.ts'

/** Times of the machine. */
interface Lease {
  readonly renewed: number
  readonly until: number
  /** What its owner says of itself. */
  readonly worker: string | undefined
}

/** The dead are remembered for so long, so that one that wakes up late learns that it is dead. */
const graveMs = 3_600_000

/** Owners and their leases, in memory. */
export class MemoryOwners {
  readonly #elapsed: () => number
  readonly #leases = new Map<string, Lease>()

  constructor(elapsed: () => number) {
    this.#elapsed = elapsed
  }

  isAlive(owner: string): boolean {
    return (this.#leases.get(owner)?.until ?? -Infinity) > this.#elapsed()
  }

  renew(owner: string, leaseMs: number, worker: string | undefined): boolean {
    const now = this.#elapsed()
    const lease = this.#leases.get(owner)
    if (lease !== undefined && lease.until <= now) return false
    this.#leases.set(owner, { renewed: now, until: now + leaseMs, worker: worker ?? lease?.worker })
    return true
  }

  end(owner: string): void {
    const now = this.#elapsed()
    const { renewed, until } = this.#leases.get(owner) ?? { renewed: now, until: now }
    this.#leases.set(owner, { renewed, until: Math.min(until, now), worker: undefined })
  }

  read(owners: readonly string[]): (OwnerState | undefined)[] {
    const now = this.#elapsed()
    return owners.map((owner) => {
      const lease = this.#leases.get(owner)
      if (lease === undefined) return undefined
      return { isAlive: lease.until > now, sinceRenewalMs: now - lease.renewed, leaseLeftMs: lease.until - now }
    })
  }

  workers(limit: number): WorkerState[] {
    const now = this.#elapsed()
    const workers: WorkerState[] = []
    for (const { renewed, until, worker } of this.#leases.values()) {
      if (workers.length === limit) break
      if (worker !== undefined && until > now)
        workers.push({ worker, sinceRenewalMs: now - renewed, leaseLeftMs: until - now })
    }
    return workers
  }

  /** Forgets those that have been dead for long, and that nothing unfinished names. */
  forgetDead(isNamed: (owner: string) => boolean): void {
    const now = this.#elapsed()
    for (const [owner, { until }] of this.#leases)
      if (until <= now - graveMs && !isNamed(owner)) this.#leases.delete(owner)
  }
}
