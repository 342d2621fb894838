import { StepTimeoutError } from '../../core/errors.ts'
import { fireAfter } from '../environment/timers.ts'
import type { Timer } from '../environment/timers.ts'
import type { WorkingStep } from './step-work.ts'

/** Calls back when the time of a step's work is over, what an earlier life of it has waited included; undefined where it has no limit. */
export function limitOfWork(
  { execution, planStep, step, attempt, waitedMs }: WorkingStep,
  onOver: (error: StepTimeoutError) => void,
): Timer | undefined {
  const { timeoutMs } = planStep.spec
  if (timeoutMs === undefined) return undefined
  return fireAfter(execution.clock, Math.max(0, timeoutMs - waitedMs), () =>
    onOver(new StepTimeoutError(timeoutMs, { ...execution.place, step, attempt })),
  )
}
