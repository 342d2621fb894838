import type { StepRecord } from '../../core/contracts/execution-record.ts'

/** Hands over the step records of an execution, a page at a time: there may be more of them than memory should have at once. */
export type StepPages = (take: (steps: readonly StepRecord[]) => Promise<void> | void) => Promise<void>
