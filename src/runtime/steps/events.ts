import type { StepSpec } from '../../core/graph/graph-index.ts'

/** What becomes of a wait for an event. */
export interface EventListener {
  /** The event is there, and its value is known to fit. */
  come(value: unknown): void
  /** It can't be waited for. */
  failed(error: unknown): void
}

/** Where an execution's steps wait for events. */
export interface Events {
  /** The value of an event that is known to have come, checked; undefined where none is. */
  comeFor(spec: StepSpec, key: string): { readonly value: unknown } | undefined
  /** When the event of a step came that is known to have come; undefined where none is. */
  cameAt(spec: StepSpec): number | undefined
  /** Waits for an event; one that is there already comes soon. */
  await(spec: StepSpec, key: string, listener: EventListener): void
}
