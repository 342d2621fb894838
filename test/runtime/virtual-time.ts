import { VirtualClock } from '../../src/testing/virtual-clock.ts'

/** A virtual clock whose time steps can take. */
export class VirtualTime extends VirtualClock {
  /** Takes `ms` of this clock, or rejects with the signal's reason. */
  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const handle = this.setTimeout(resolve, ms)
      signal?.addEventListener('abort', () => {
        this.clearTimeout(handle)
        reject(signal.reason as Error)
      })
    })
  }
}
