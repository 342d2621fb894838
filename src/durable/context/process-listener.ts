import type { ProcessEvent } from '../../core/contracts/observed-docket.ts'
import type { Observer } from '../../core/contracts/observer.ts'
import { warnOnce } from '../../runtime/environment/warn-once.ts'

/** Hands what happens in this process besides executions to those observers that want it; undefined where none does. */
export function processListener(observers: readonly Observer[] = []): ((event: ProcessEvent) => void) | undefined {
  const listening = observers.filter((one) => typeof one === 'object' && one.nextOfProcess !== undefined)
  if (listening.length === 0) return undefined
  return (event) => {
    for (const observer of listening)
      try {
        if (typeof observer === 'object') observer.nextOfProcess?.(event)
      } catch (thrown) {
        warnOnce(observer, 'a Docket observer', thrown)
      }
  }
}
