import type { RandomSource } from './random-source.ts'
import type { SimulatedGraph, SimulatedStep } from './simulated-step.ts'

/** The queue of steps that run in one of their own. */
export const ownQueue = 'own'

/** Lets steps run in a queue of their own, and children not go on in another process than the one that they had. */
export function addElsewhere(random: RandomSource, steps: SimulatedStep[]): void {
  for (const [index, step] of steps.entries()) {
    const takesAll = step.ports.some(({ isAll }) => isAll === true)
    if (step.kind === undefined && step.compensates !== true && !takesAll && random.chance(0.5))
      steps[index] = { ...step, queue: ownQueue, limits: undefined, scope: step.scope ?? 'execution' }
    if (step.kind !== 'child' || !random.chance(0.5) || beginsOthers(step.child!)) continue
    const onWorkerLoss = random.chance(0.5) && mayBeginAnew(step.child!) ? 'restart' : 'fail'
    steps[index] = { ...step, onWorkerLoss, queue: random.pick([undefined, ownQueue]) }
  }
}

/** What is never parked keeps its place in its queue, which those may need that it has begun. */
function beginsOthers({ steps }: SimulatedGraph): boolean {
  return steps.some(({ kind, verbs }) => kind === 'child' || verbs?.more?.child !== undefined)
}

/** What begins anew is judged where nothing in it remembers more than its records. */
function mayBeginAnew({ steps }: SimulatedGraph): boolean {
  return steps.every(
    ({ kind, compensates }) => compensates !== true && (kind === undefined || kind === 'timer' || kind === 'signal'),
  )
}

/** Lets steps have conditions, and say when they are to be tried again. */
export function addOddments(random: RandomSource, steps: SimulatedStep[]): void {
  for (const [index, step] of steps.entries()) {
    if (step.kind !== undefined) continue
    const hasCondition = step.ports.length > 0 && random.chance(0.15)
    const retryAfter =
      step.maxAttempts > 1 && random.chance(0.5)
        ? { ms: random.pick([0, 100, 1_000, 6_000]), counts: random.chance(0.6) }
        : undefined
    steps[index] = { ...step, retryAfter, ...(hasCondition && { hasCondition }) }
  }
}
