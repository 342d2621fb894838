import { machineStep as declare } from '../../core/language/machine-step.ts'
import { machineStep as work } from '../steps/machine-step.ts'
import { withWork } from '../steps/step-kinds.ts'

/**
 * Makes a type by an XState machine of your own, unchanged: it gets values from outside as events, and what it ends with is the value.
 * @function
 */
export const machineStep: typeof declare = /* @__PURE__ */ withWork(declare, 'machine', work)
