import type { ExecutionEvent as ExecutionMachineEvent, StepEvent } from '../../../machines/index.ts'
import type { Watcher } from './execution-setup.ts'
import type { StepState } from './step-state.ts'

/** Where an execution keeps who watches it. */
interface Watched {
  watcher: Watcher | undefined
}

/** Several watchers of one execution: the docket's own actor of it, actors of `docket.logic` that show it, and what knows whether it waits. */
class Watchers implements Watcher {
  readonly all: readonly Watcher[]

  constructor(all: readonly Watcher[]) {
    this.all = all
  }

  stepChanged(run: StepState, event: StepEvent): void {
    for (const watcher of this.all) watcher.stepChanged(run, event)
  }

  executionChanged(event: ExecutionMachineEvent): void {
    for (const watcher of this.all) watcher.executionChanged(event)
  }
}

/** Lets one more see every transition from now on. */
export function watch(watched: Watched, watcher: Watcher): void {
  setWatchers(watched, [...watchersOf(watched), watcher])
}

/** Lets one see no further transition. */
export function unwatch(watched: Watched, watcher: Watcher): void {
  setWatchers(
    watched,
    watchersOf(watched).filter((one) => one !== watcher),
  )
}

function watchersOf({ watcher }: Watched): readonly Watcher[] {
  if (watcher instanceof Watchers) return watcher.all
  return watcher === undefined ? [] : [watcher]
}

// One alone, as it almost always is, is called without a detour.
function setWatchers(watched: Watched, all: readonly Watcher[]): void {
  watched.watcher = all.length > 1 ? new Watchers(all) : all[0]
}
