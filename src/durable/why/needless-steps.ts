import { isTerminalStep } from '../../core/contracts/statuses.ts'
import type { StepInfo } from '../records/step-info.ts'
import type { WhyFacts } from './why-facts.ts'

/**
 * Whether nothing takes any more what a step of an execution makes: whatever did has ended, as a race that another input has won. Where its process died at
 * that moment, or it had begun to wait for nothing yet, no record says that it was given up.
 */
export function isNeedless({ plan, record, details }: WhyFacts, { step, item }: StepInfo): boolean {
  if (plan === undefined || record.kind === 'batch' || item !== undefined) return false
  const ended = new Set(details.steps.flatMap((info) => (isTerminalStep(info.status) ? [info.step] : [])))
  const needed = new Set<number>()
  const open = plan.wanted.map((slot) => plan.producers[slot]!)
  for (let at = open.pop(); at !== undefined; at = open.pop()) {
    if (at === -1 || needed.has(at) || ended.has(plan.steps[at]!.spec.name)) continue
    needed.add(at)
    for (const slot of plan.steps[at]!.portSlots) open.push(plan.producers[slot]!)
  }
  const own = plan.steps.findIndex(({ spec }) => spec.name === step)
  return own !== -1 && !needed.has(own)
}
