import type { MadeCall } from './caller-rules.ts'
import { hasEnded } from './change.ts'
import type { Operation } from './call.ts'
import type { History } from './history.ts'
import type { Stops } from './stops.ts'
import type { Report } from './violation.ts'

const cancelling: ReadonlySet<Operation> = new Set(['cancel', 'delete'])
const beginning: ReadonlySet<Operation> = new Set(['start', 'execute', 'retry'])

/** Judges what executions begin and end by: a call that was made meanwhile, not one of an earlier life. `lateMs`: by how much changes may be stamped too late. */
export function judgeLives(
  calls: readonly MadeCall[],
  history: History,
  stops: Stops,
  lateMs: number,
  report: Report,
): void {
  const byId = Map.groupBy(calls, ({ call }) => call.execution)
  for (const [id, moments] of history.executions) {
    const of = byId.get(id) ?? []
    const isCalledFor = (operations: ReadonlySet<Operation>, from: number, to: number): boolean =>
      of.some((made) => operations.has(made.call.operation) && made.from <= stops.seenBy(to) && made.to >= from)
    // When it began or ended last, as others may have seen it at the earliest.
    let since = -Infinity
    for (const [index, { at, row }] of moments.entries()) {
      const last = moments[index - 1]?.row
      const [wasOpen, isOpen] = [last, row].map((one) => one !== undefined && !hasEnded(one))
      if (wasOpen === isOpen) continue
      if (row?.status === 'cancelled' && !isCalledFor(cancelling, since, at))
        report('cancelled by nobody', `${id} at ${new Date(at).toISOString()}`)
      if (isOpen === true && last !== undefined && !isCalledFor(beginning, since, at))
        report('begun by nobody', `${id}, which was ${last.status}, at ${new Date(at).toISOString()}`)
      since = at - lateMs
    }
  }
}
