import type { StepStatus } from '../../src/core/contracts/statuses.ts'
import type { SimulatedStep } from './simulated-step.ts'

/** Whether what a step makes can come no more, by what is on record: it has ended without a value, or what it can't do without has. */
export function isDenied(
  steps: readonly SimulatedStep[],
  at: number,
  statusOf: (step: string) => StepStatus | undefined,
  given: Readonly<Record<string, string>> = {},
): boolean {
  const { name, kind, ports, fallback } = steps[at]!
  if (given[name] !== undefined) return false
  const status = statusOf(name)
  if (status === 'completed' || status === 'cached') return false
  if (status === 'skipped') return true
  if (status === 'failed' || status === 'cancelled') return fallback === undefined
  const isPortDenied = ({ from }: SimulatedStep['ports'][number]): boolean =>
    'step' in from && isDenied(steps, from.step, statusOf, given)
  // A race that no input reached has failed, and has its fallback; what is skipped has none.
  if (kind === 'race' || kind === 'passing race') return fallback === undefined && ports.every(isPortDenied)
  return ports.some((port) => !port.isOptional && port.isAll !== true && isPortDenied(port))
}
