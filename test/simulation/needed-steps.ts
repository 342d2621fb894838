import type { StepStatus } from '../../src/core/contracts/statuses.ts'
import { isTerminalStep } from '../../src/core/contracts/statuses.ts'
import { isDenied } from './denied-steps.ts'
import type { SimulatedStep } from './simulated-step.ts'

/**
 * Whether something that has not ended needs what a step makes, by what is on record. That says of a race that one of its inputs is there.
 * `given`: values that the execution was given for what steps make.
 */
export function isNeededStill(
  steps: readonly SimulatedStep[],
  at: number,
  statusOf: (step: string) => StepStatus | undefined,
  given: Readonly<Record<string, string>> = {},
): boolean {
  if (at === steps.length - 1) return true
  const hasCome = (index: number): boolean => {
    const { name } = steps[index]!
    return given[name] !== undefined || ['completed', 'cached'].includes(statusOf(name) ?? '')
  }
  return steps.some(({ name, kind, ports }, taker) => {
    const sources = ports.flatMap(({ from }) => ('step' in from ? [from.step] : []))
    if (!sources.includes(at) || given[name] !== undefined) return false
    // What lacks one of its inputs for good takes no other, whether it is on record that it was skipped or not.
    const isOver = isTerminalStep(statusOf(name) ?? 'pending') || isDenied(steps, taker, statusOf, given)
    const isDecided = (kind === 'race' || kind === 'passing race') && sources.some(hasCome)
    return !isOver && !isDecided && isNeededStill(steps, taker, statusOf, given)
  })
}
