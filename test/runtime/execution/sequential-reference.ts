import { behaviourOf, fallbackText, leafName, valueText } from './random-graphs.ts'
import type { RandomGraph, RandomStep } from './random-graphs.ts'

/** What comes of one step when nothing ends the execution before. */
export type StepOutcome =
  | {
      readonly kind: 'value'
      readonly value: string
      readonly attempts: number
      readonly inputs: Inputs
      readonly fellBack: boolean
    }
  | {
      readonly kind: 'failed'
      readonly attempts: number
      readonly inputs: Inputs
      readonly timedOut: boolean
      readonly aborts: boolean
    }
  | { readonly kind: 'skipped' }

type Inputs = Readonly<Record<string, string | undefined>>

/** What comes of one execution. */
export interface Reference {
  /** By step; only steps that the target needs. */
  readonly outcomes: ReadonlyMap<number, StepOutcome>
  /** The target's value, if it can be made. */
  readonly value: string | undefined
  /** Steps one of which ends the execution, if any of them is reached. */
  readonly deadly: ReadonlySet<number>
  /** Whether it depends on the order of things: a step that nobody waits for any more would abort the execution. */
  readonly isOpen: boolean
}

/** Runs a random graph's target step after step, as one would by hand: no parallelism, no clock, no runtime. */
export function runReference(random: RandomGraph, leaves: Readonly<Record<string, string>>): Reference {
  const outcomes = new Map<number, StepOutcome>()
  const resolve = (index: number): StepOutcome => {
    const known = outcomes.get(index)
    if (known !== undefined) return known
    const inputs: Record<string, string | undefined> = {}
    let isSkipped = false
    for (const [port, { from, kind }] of random.steps[index]!.ports.entries()) {
      if ('leaf' in from) {
        inputs[`p${port}`] = leaves[leafName(from.leaf)]!
        continue
      }
      const source = resolve(from.step)
      inputs[`p${port}`] = source.kind === 'value' ? source.value : undefined
      if (source.kind !== 'value' && kind === 'plain') isSkipped = true
    }
    const outcome: StepOutcome = isSkipped ? { kind: 'skipped' } : runStep(random.steps[index]!, index, inputs)
    outcomes.set(index, outcome)
    return outcome
  }
  const target = random.steps.length - 1
  const result = resolve(target)
  const vital = vitalSteps(random)
  const deadly = new Set<number>()
  let isOpen = false
  for (const [index, outcome] of outcomes) {
    if (outcome.kind !== 'failed') continue
    if (vital.has(index) || outcome.aborts) deadly.add(index)
    if (!vital.has(index) && outcome.aborts) isOpen = true
  }
  return { outcomes, value: result.kind === 'value' ? result.value : undefined, deadly, isOpen }
}

function runStep(step: RandomStep, index: number, inputs: Inputs): StepOutcome {
  const behaviour = behaviourOf(step, valueText(index, inputs))
  const timedOut = step.timeoutMs !== undefined && behaviour.takes !== 'sync' && behaviour.takes > step.timeoutMs
  for (let attempts = 1; ; attempts++) {
    if (!timedOut && attempts > behaviour.failures)
      return { kind: 'value', value: valueText(index, inputs), attempts, inputs, fellBack: false }
    const aborts = !timedOut && behaviour.throws === 'abort'
    const isFinal = attempts === step.maxAttempts || aborts || (!timedOut && behaviour.throws === 'nonRetryable')
    if (!isFinal) continue
    if (step.fallback === 'none' || aborts) return { kind: 'failed', attempts, inputs, timedOut, aborts }
    return { kind: 'value', value: fallbackText(index), attempts, inputs, fellBack: true }
  }
}

/** Steps that the target needs by ports none of which is optional. */
function vitalSteps(random: RandomGraph): ReadonlySet<number> {
  const vital = new Set([random.steps.length - 1])
  for (const index of vital) {
    for (const { from, kind } of random.steps[index]!.ports)
      if (kind === 'plain' && 'step' in from) vital.add(from.step)
  }
  return vital
}
