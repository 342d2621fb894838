import type { AnyGraph } from '../../core/graph/graph-index.ts'
import { hostProcess } from '../../runtime/environment/host-process.ts'
import { textOfWorker } from '../records/worker-info.ts'
import type { DocketOptions } from './docket-options.ts'
import { slotsOf } from './slots-of.ts'

/** Gives what this process says of itself to others, as an owner: the same text with each renewal, until there are more graphs. */
export function workerDescription(
  options: DocketOptions,
  graphs: ReadonlyMap<string, AnyGraph>,
  now: () => number,
): (owner: string) => string {
  let since: number | undefined
  let last: { readonly owner: string; readonly graphs: number; readonly text: string } | undefined
  return (owner) => {
    if (last?.owner === owner && last.graphs === graphs.size) return last.text
    const { name = 'docket', version } = options
    const queues = options.takeOver === false ? {} : Object.fromEntries(slotsOf(options.work))
    const runs = Object.keys(queues).length > 0 ? [...graphs.keys()] : []
    const text = textOfWorker({
      owner,
      name,
      version,
      queues,
      graphs: runs,
      ...hostProcess(),
      since: (since ??= now()),
    })
    last = { owner, graphs: graphs.size, text }
    return text
  }
}
