import type { AnyGraph, Docket } from '../../src/index.ts'
import { alteredStore } from './altered-store.ts'
import type { World } from './durable-time.ts'

/** A process that dies of one of its commits, counted from `arm` on, the first of them 0: that is written, and nobody here learns so. */
export function cutProcess(
  world: World,
  graph: AnyGraph,
  cut: number,
): { readonly docket: Docket; readonly arm: () => void } {
  let commits = -1
  const store = alteredStore(world.store, (method, ask) => {
    if (method !== 'commit' || commits < 0 || commits++ !== cut) return ask()
    const answer = ask()
    mortal.die()
    return answer
  })
  const mortal = world.mortal({ graphs: [graph], lease: '2s' }, store)
  return { docket: mortal.docket, arm: () => void (commits = 0) }
}
