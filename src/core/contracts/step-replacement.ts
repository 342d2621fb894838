import type { StepRecord } from './execution-record.ts'

/** Whether a record is completed and counts: one without a type stands for a step that was left out. */
function isDone({ status, type }: StepRecord): boolean {
  return (status === 'completed' || status === 'cached') && type !== ''
}

/** Whether a record replaces whatever is there; the others replace nothing that is completed. */
export function replacesAny(step: StepRecord): boolean {
  return step.status === 'completed' || step.status === 'cached' || step.type === ''
}

/** Whether a record takes the place of the one that is there. */
export function replaces(step: StepRecord, standing: StepRecord | undefined): boolean {
  return standing === undefined || replacesAny(step) || !isDone(standing)
}

/** Of one commit's records the one of each step and item that stays. */
export function stayingOf(steps: readonly StepRecord[]): readonly StepRecord[] {
  if (steps.length < 2) return steps
  const staying = new Map<string, StepRecord>()
  for (const step of steps) {
    const key = JSON.stringify([step.step, step.item])
    if (replaces(step, staying.get(key))) staying.set(key, step)
  }
  return staying.size === steps.length ? steps : [...staying.values()]
}
