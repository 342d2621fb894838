import { isRunnable, isToBegin, isToBeginLater, isToGoOn } from './tables.ts'

/** A name for each of their indexes. */
export type Place = 'unfinished' | 'toBegin' | 'toGoOn' | 'later' | 'due'

/** Those that begin with the queue, and hold what nobody owns. */
export type NamedPlace = Extract<Place, 'toBegin' | 'toGoOn' | 'due'>

/** Where executions of a queue are found: conditions on the table `e`, each the one of an index, which begins with the queue. */
export interface QueuePlaces {
  /** What stands behind the table's alias, so that its index is taken. */
  readonly index: Readonly<Record<Place, string>>
  /** By what rows are sorted, where nothing but the order of an index makes a planner take it. @default what a query needs alone */
  readonly order?: Readonly<Record<Place, string>>
  /** From what executions `e` of owners are read, of which `isOwner` says which of `o`: found by owner. @default a join that begins with the owners */
  owned?(owners: string, executions: string, isOwner: string): string
  /** The column of the index that has the queue. */
  readonly queueOf: Readonly<Record<NamedPlace, string>>
  /** Of an owner, or of nobody: by owner, queue, graph, then age. Of all queues where none is given, and so are the next ones. */
  unfinished(queue?: string): string
  /** By graph, key, priority, then age. */
  toBegin(queue?: string): string
  /** By graph, then age. */
  toGoOn(queue?: string): string
  /** What does not begin before a time: by graph, then time. */
  later(queue: string): string
  /** What is parked: by graph, then due time. */
  parked(queue?: string): string
}

/** Those of databases whose indexes can be partial. `index` names one. */
export function partialPlaces(index: (name: string) => string): QueuePlaces {
  return {
    index: {
      unfinished: index('docket_executions_unfinished'),
      toBegin: index('docket_executions_to_begin'),
      toGoOn: index('docket_executions_to_go_on'),
      later: index('docket_executions_later'),
      due: index('docket_executions_due'),
    },
    queueOf: { toBegin: 'e.queue', toGoOn: 'e.queue', due: 'e.queue' },
    unfinished: (queue) => `${isRunnable('e')}${inQueue(queue)}`,
    toBegin: (queue) => `${isToBegin('e.')}${inQueue(queue)}`,
    toGoOn: (queue) => `${isToGoOn('e.')}${inQueue(queue)}`,
    later: (queue) => `${isToBeginLater('e.')} and e.queue = ${queue}`,
    parked: (queue) => `e.parked_at is not null${inQueue(queue)}`,
  }
}

function inQueue(queue: string | undefined): string {
  return queue === undefined ? '' : ` and e.queue = ${queue}`
}
