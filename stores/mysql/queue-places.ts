import type { QueuePlaces } from '../sql/queue-places.ts'

/** Indexes have no conditions here: columns are NULL where their index shall not look. */
export const mysqlPlaces: QueuePlaces = {
  index: {
    unfinished: 'force index (docket_unfinished)',
    toBegin: 'force index (docket_to_begin)',
    toGoOn: 'force index (docket_to_go_on)',
    later: 'force index (docket_later)',
    due: 'force index (docket_due)',
  },
  queueOf: { toBegin: 'e.begin_queue', toGoOn: 'e.go_on_queue', due: 'e.parked_queue' },
  unfinished: (queue) => `e.is_open = 1${queue === undefined ? '' : ` and e.queue = ${queue}`}`,
  toBegin: (queue) => isOf('e.begin_queue', queue),
  toGoOn: (queue) => isOf('e.go_on_queue', queue),
  later: (queue) => isOf('e.later_queue', queue),
  parked: (queue) => isOf('e.parked_queue', queue),
}

function isOf(column: string, queue: string | undefined): string {
  return queue === undefined ? `${column} is not null` : `${column} = ${queue}`
}
