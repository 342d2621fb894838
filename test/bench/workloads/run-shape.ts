import { race } from '../measure.ts'
import type { Contender } from '../measure.ts'
import { asyncAuto } from '../opponents/async-auto.ts'
import { docketActor, docketExecute } from '../opponents/docket.ts'
import { effect } from '../opponents/effect.ts'
import { langGraph } from '../opponents/langgraph.ts'
import { keepOneInFlight, verify } from '../opponents/opponent.ts'
import type { Opponent } from '../opponents/opponent.ts'
import { pGraph } from '../opponents/p-graph.ts'
import { promiseAll } from '../opponents/promise-all.ts'
import { xstateActors } from '../opponents/xstate-actors.ts'
import { xstateMachine } from '../opponents/xstate-machine.ts'
import { shapes } from '../shapes.ts'
import type { Shape } from '../shapes.ts'
import type { Result, Workload } from './workload.ts'

const opponents: readonly Opponent[] = [
  promiseAll,
  asyncAuto,
  pGraph,
  effect,
  xstateActors,
  xstateMachine,
  langGraph,
  docketExecute,
  docketActor,
]

export const noop = async (): Promise<number> => 1

/** One graph, run by everybody who can. */
function runShape(shape: Shape): Workload {
  return {
    name: shape.name,
    title: shape.title,
    measure: async (effort): Promise<Result> => {
      const notes: string[] = []
      const contenders: Contender[] = []
      for (const opponent of opponents) {
        const reason = opponent.leavesOut?.(shape)
        if (reason !== undefined) {
          notes.push(`${opponent.name} is left out: ${reason}`)
          continue
        }
        await verify(opponent, shape)
        await keepOneInFlight(opponent)
        contenders.push({ name: opponent.name, run: await opponent.prepare(shape, noop) })
      }
      const series = await race(contenders, effort)
      return { name: shape.name, title: shape.title, series, steps: shape.steps.length, base: promiseAll.name, notes }
    },
  }
}

export const shapeWorkloads: readonly Workload[] = shapes.map(runShape)
