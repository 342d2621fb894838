import { durableStep as declare } from '../../core/graph/durable-step.ts'
import { durableStep as work } from '../steps/durable-step.ts'
import { withWork } from '../steps/step-kinds.ts'

/**
 * Declares a long-lived function: one that may sleep for days, and loops over many calls; in a docket it survives its process.
 * @function
 */
export const durableStep: typeof declare = /* @__PURE__ */ withWork(declare, 'durable', work)
