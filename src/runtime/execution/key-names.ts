/** The names that keys of attempts are made of, where an execution began when they were other ones. */
export interface KeyNames {
  readonly graph: string
  /** By present names; the others are what they are called first. */
  readonly steps: ReadonlyMap<string, string>
}
