import { event as declare } from '../../core/language/event.ts'
import { eventStep as work } from '../steps/event-step.ts'
import { withWork } from '../steps/step-kinds.ts'

/**
 * Waits for an event that is broadcast: the first one that was emitted under the key, whether before the wait began or since.
 * @function
 */
export const event: typeof declare = /* @__PURE__ */ withWork(declare, 'event', work)
