import type { AnyGraph } from '../../core/graph/graph-index.ts'
import { hostProcess } from '../../runtime/environment/host-process.ts'
import { textOfWorker } from '../records/worker-info.ts'
import type { DocketOptions } from './docket-options.ts'
import { slotsOf } from './slots-of.ts'

/** Gives what this process says of itself to others, as an owner. */
export function workerDescription(
  options: DocketOptions,
  graphs: ReadonlyMap<string, AnyGraph>,
  now: () => number,
): (owner: string) => string {
  let since: number | undefined
  return (owner) => {
    const { name = 'docket', version } = options
    const queues = options.takeOver === false ? {} : Object.fromEntries(slotsOf(options.work))
    const runs = Object.keys(queues).length > 0 ? [...graphs.keys()] : []
    return textOfWorker({ owner, name, version, queues, graphs: runs, ...hostProcess(), since: (since ??= now()) })
  }
}
