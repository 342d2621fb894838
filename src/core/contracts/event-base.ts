/** What every event has. */
export interface EventBase {
  /** Numbers the events of one execution (a batch is one) without gaps, from 1. Always 0 in events about schedules and acts. */
  readonly seq: number
  /** Milliseconds since the epoch, by the execution's clock. */
  readonly at: number
  /** The execution's id; of a batch, that of the batch. */
  readonly executionId: string
  /** The graph's name. */
  readonly graph: string
}
