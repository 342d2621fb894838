import type { PersistSpec } from '../../core/graph/graph-index.ts'
import type { Plan, PlanStep } from '../../core/graph/plan.ts'
import { familyOf } from '../../core/graph/step-spec.ts'
import { canonicalize, digest } from '../../core/values/keys.ts'
import { resultKeyOf } from '../results/claim.ts'
import type { Undoings } from '../results/undoings.ts'
import { keyNameOf } from '../steps/key-names.ts'
import type { KeyNames } from '../steps/key-names.ts'

/** What a step's key is made of. */
interface KeyedStep {
  readonly planStep: PlanStep
  readonly persist: PersistSpec | undefined
  readonly claim: { readonly key: string } | undefined
  readonly inputs: Record<string, unknown>
  readonly execution: {
    readonly id: string
    readonly item: number | undefined
    readonly plan: Plan
    readonly setup: {
      readonly keyNames?: KeyNames | undefined
      readonly requestDigest?: string | undefined
      readonly undoings?: Undoings | undefined
    }
  }
}

/**
 * Stable over retries and restarts, whatever graph, step and type are called by now; that of a shared result is the same for all that
 * make it.
 */
export function idempotencyKeyOf(step: KeyedStep): string {
  const { setup, item } = step.execution
  const { name, persist } = step.planStep.spec
  // What others share is the same for all.
  const undoings = persist?.scope === 'global' ? 0 : (setup.undoings?.of(name, item) ?? 0)
  // What was undone, and what was made of it, is done anew: whoever did it before must not take that for the same.
  return undoings === 0 ? keyOf(step) : digest(canonicalize([keyOf(step), 'undone', undoings]))
}

function keyOf(step: KeyedStep): string {
  const { claim, execution, persist } = step
  const { spec } = step.planStep
  const { keyNames } = execution.setup
  const name = keyNameOf({ plan: execution.plan, keyNames }, spec)
  if (claim === undefined) {
    const graph = keyNames?.graph ?? execution.plan.index.firstName
    return digest(canonicalize([graph, execution.id, name, execution.item]))
  }
  if (persist === undefined || (persist.former === undefined && name === spec.name)) return claim.key
  const { scope, namespace, former } = persist
  const family = familyOf(scope, former?.firstNamespace ?? namespace, spec.step, name, former?.firstOutput)
  return resultKeyOf(persist, step.inputs, execution, family)
}
