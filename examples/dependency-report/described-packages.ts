import type { ExecutionEvent } from 'docket'
import { progressObserver } from 'docket/observers/progress'

/**
 * A progress bar of the packages that have been looked at. Docket feature: **observers**, plain functions that are told of
 * every event. The stock bar counts items that are done; here no item is done before all have passed the barriers, so
 * what we count as progress is the last step in front of them.
 */
export function describedPackages(total: number): (event: ExecutionEvent) => void {
  const draw = progressObserver({ label: 'packages' })
  let described = 0
  return (event) => {
    if (event.type === 'batch.progress') return
    draw(event)
    if (event.type !== 'step.ended' || event.step !== 'DescribePackage' || event.item === undefined) return
    const { seq, at, executionId, graph, item } = event
    draw({ type: 'batch.progress', seq, at, executionId, graph, item, total, succeeded: ++described, failed: 0 })
  }
}
