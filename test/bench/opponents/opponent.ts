import { layered } from '../shapes.ts'
import type { Shape } from '../shapes.ts'

/** What a step does: the same function for every opponent. */
export type Work = (step: number) => Promise<number>

/** One run of a graph, from the call to its result. */
export type Run = () => Promise<unknown>

/** Somebody who can run a graph of steps. */
export interface Opponent {
  readonly name: string
  /** Builds what can be built once, before any run: only runs are measured. */
  readonly prepare: (shape: Shape, work: Work) => Run | Promise<Run>
  /** Why a shape is left out (one run takes many seconds, or never ends); undefined if it takes part. */
  readonly leavesOut?: (shape: Shape) => string | undefined
}

/** Leaves out shapes with more steps than this. */
export function atMost(limit: number, reason: string): (shape: Shape) => string | undefined {
  return (shape) => (shape.steps.length > limit ? reason : undefined)
}

/**
 * Runs the shape once and throws unless each step ran once, after all that it depends on: who cheats, or is used wrongly, is not
 * worth measuring.
 */
export async function verify(opponent: Opponent, shape: Shape): Promise<void> {
  const done = new Set<number>()
  const begun = new Set<number>()
  const run = await opponent.prepare(shape, async (step) => {
    if (begun.has(step)) throw new Error(`${opponent.name} ran step ${step} of ${shape.name} twice`)
    begun.add(step)
    for (const before of shape.steps[step]!) {
      if (!done.has(before)) throw new Error(`${opponent.name} ran step ${step} of ${shape.name} before step ${before}`)
    }
    await undefined
    done.add(step)
    return 1
  })
  await run()
  if (done.size !== shape.steps.length)
    throw new Error(`${opponent.name} ran ${done.size} of ${shape.steps.length} steps`)
}

const never = new Promise<number>(() => {})
const small = layered('in-flight', 'a run that never ends', [1, 3, 1])

/**
 * Leaves one run under way for good, as there always is one in a busy process. Without it a full garbage collection between two runs
 * finds no run at all, forgets the shapes of its objects, and V8 throws away all code that was optimised for them: the next
 * thousands of runs take up to seven times as long, or not, as chance has it.
 */
export async function keepOneInFlight(opponent: Opponent): Promise<void> {
  const run = await opponent.prepare(small, (step) => (step === 0 ? Promise.resolve(1) : never))
  void run()
}
