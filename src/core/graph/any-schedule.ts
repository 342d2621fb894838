/** A declared schedule, its types forgotten: what a docket is given. */
export interface AnySchedule {
  readonly kind: 'schedule'
  /** Unique within the store. */
  readonly name: string
  /** What it starts and when, as it was given. */
  readonly declaration: object
}
