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
  unfinished: (queue) => `e.is_open = 1 and e.queue = ${queue}`,
  toBegin: (queue) => `e.begin_queue = ${queue}`,
  toGoOn: (queue) => `e.go_on_queue = ${queue}`,
  later: (queue) => `e.later_queue = ${queue}`,
  parked: (queue) => `e.parked_queue = ${queue}`,
}
