import { timer as declare } from '../../core/language/timer.ts'
import { timerStep as work } from '../steps/timer-step.ts'
import { withWork } from '../steps/step-kinds.ts'

/**
 * Waits for a time: for a duration from when its inputs are there, or until a time that is worked out from them.
 * @function
 */
export const timer: typeof declare = /* @__PURE__ */ withWork(declare, 'timer', work)
