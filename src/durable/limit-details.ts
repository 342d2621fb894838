import { nextStartAt } from '../core/contracts/queue-order.ts'
import type { DocketContext } from './context/docket-context.ts'
import { stateOf } from './limits/stored-state.ts'
import type { LimitInfo, StepInfo } from './records/step-info.ts'

const lastTime = 8.64e15

/** Steps, with what is known of the limits that they wait for: how many these let run, and who holds them. @throws StoreError */
export async function withLimits(context: DocketContext, steps: readonly StepInfo[]): Promise<readonly StepInfo[]> {
  const ids = [
    ...new Set(
      steps.flatMap(({ waitsFor }) => (waitsFor?.kind === 'limit' ? waitsFor.limits : [])).map(({ id }) => id),
    ),
  ]
  if (ids.length === 0) return steps
  const { connection } = context
  const { states } = await connection.patiently(() => connection.store.readShared(ids))
  const byId = new Map(ids.map((id, index) => [id, stateOf(states[index])]))
  const known = (info: LimitInfo): LimitInfo => {
    const state = byId.get(info.id)
    if (state === undefined) return info
    const { declared, holders, nextAt } = state
    return {
      ...info,
      limit: declared.limit,
      perMs: declared.perMs,
      heldBy: [...new Set(holders.map(({ execution }) => execution))],
      nextAt:
        declared.perMs === undefined
          ? undefined
          : new Date(Math.min(lastTime, nextStartAt({ ...declared, perMs: declared.perMs }, nextAt))),
    }
  }
  return steps.map((step) =>
    step.waitsFor?.kind === 'limit'
      ? { ...step, waitsFor: { kind: 'limit', limits: step.waitsFor.limits.map(known) } }
      : step,
  )
}
