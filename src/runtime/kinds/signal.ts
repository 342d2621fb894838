import { signal as declare } from '../../core/language/signal.ts'
import { signalStep as work } from '../steps/signal-step.ts'
import { withWork } from '../steps/step-kinds.ts'

/**
 * Waits for a value of a data type from outside: one per execution, and the first that comes wins.
 * @function
 */
export const signal: typeof declare = /* @__PURE__ */ withWork(declare, 'signal', work)
