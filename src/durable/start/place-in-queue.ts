import { requireLength } from '../../core/check-length.ts'
import { defaultQueue } from '../../core/contracts/queue-record.ts'
import type { Drawing } from '../../core/graph/drawing.ts'
import type { NewExecution } from '../../core/contracts/execution-record.ts'
import type { DocketContext } from '../context/docket-context.ts'
import type { KeyedPlaceOptions } from '../context/queue-options.ts'

/** Where an execution that is about to exist stands: in its queue, with its key and priority, and from when on. */
export type PlaceInQueue = Pick<NewExecution, 'queue' | 'priority' | 'key' | 'startAt'>

/** That of an execution of which nothing was said. */
const usualPlace: PlaceInQueue = Object.freeze({
  queue: defaultQueue,
  priority: 0,
  key: '',
  startAt: undefined,
})

/**
 * The place that a call says; what it does not say is its parent's. Its time is the store's once that is open, and not to be read before.
 * @throws OptionError for names that the store can't keep
 */
export function placeInQueue(
  { connection }: DocketContext,
  { queue, priority, key, startAt }: KeyedPlaceOptions,
  parent: Omit<PlaceInQueue, 'startAt'> = usualPlace,
): PlaceInQueue {
  if (queue === undefined && priority === undefined && key === undefined && startAt === undefined)
    return parent === usualPlace ? usualPlace : { ...parent, startAt: undefined }
  if (queue !== undefined) requireLength(connection.store, 'queue', 'queue', queue)
  if (key !== undefined) requireLength(connection.store, 'key', 'key', key)
  const begins = startAt === undefined ? undefined : connection.time.given(startAt.getTime())
  return {
    queue: queue ?? parent.queue,
    priority: priority ?? parent.priority,
    key: key ?? parent.key,
    get startAt() {
      return begins?.()
    },
  }
}

/** Options of a call, with what a workflow says of its place where the call says nothing. */
export function withDrawnPlace<Options extends KeyedPlaceOptions>(
  options: Options,
  drawing: Drawing | undefined,
): Options {
  const { queue, priority } = placeOfDrawing(drawing)
  if ((queue ?? priority) === undefined) return options
  return { ...options, queue: options.queue ?? queue, priority: options.priority ?? priority }
}

/** A node that is an execution of its own stands where its workflow's does, but for its queue, which the call names, and a priority of its own. */
function placeOfDrawing(drawing: Drawing | undefined): Pick<Drawing, 'queue' | 'priority'> {
  if (drawing?.part === undefined) return drawing ?? {}
  const node = drawing.nodes.find(({ name }) => name === drawing.part)
  return node?.priority === undefined ? {} : { priority: node.priority }
}
