import { defaultQueue } from '../../core/contracts/queue-record.ts'
import type { NewExecution } from '../../core/contracts/execution-record.ts'

/** Where an execution that is about to exist stands: in its queue, with its key and priority, and from when on. */
export type PlaceInQueue = Pick<NewExecution, 'queue' | 'priority' | 'key' | 'startAt'>

/** That of an execution of which nothing was said. */
export const usualPlace: PlaceInQueue = { queue: defaultQueue, priority: 0, key: '', startAt: undefined }
