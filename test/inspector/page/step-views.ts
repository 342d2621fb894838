import type { StepView } from '../../../src/inspector/protocol.ts'

/** A time before now, as the protocol has it. */
export function ago(ms: number): string {
  return new Date(Date.now() - ms).toISOString()
}

/** A step that completed, with what differs. */
export function stepView(step: string, more: Partial<StepView> = {}): StepView {
  return {
    step,
    kind: 'function',
    status: 'completed',
    attempt: 1,
    dependsOn: [],
    output: { type: `${step}Output`, isSensitive: false },
    attempts: [],
    ...more,
  }
}
