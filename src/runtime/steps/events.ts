import type { EmitVerdict } from '../../core/contracts/event-record.ts'
import type { AnyEventType } from '../../core/language/event-type.ts'
import type { StepSpec } from '../../core/graph/graph-index.ts'

/** What waits for an event: a step, or something within one. */
export interface EventPlace {
  /** Unique within the execution, or the item. */
  readonly name: string
  readonly step: unknown
}

/** What becomes of a wait for an event. */
export interface EventListener {
  /** The event is there, and its value is known to fit; `at`: when it was emitted. */
  come(value: unknown, at: number): void
  /** It can't be waited for. */
  failed(error: unknown): void
}

/** Where an execution's steps wait for events. */
export interface Events {
  /** The value of an event that is known to have come, checked; undefined where none is. */
  comeFor(spec: StepSpec, key: string): { readonly value: unknown } | undefined
  /** When the event of a step came that is known to have come; undefined where none is. */
  cameAt(spec: StepSpec): number | undefined
  /** Waits for an event; one that is there already comes soon. Resolves once it is known whether one is; undefined where it is. */
  await(spec: EventPlace, key: string, listener: EventListener): Promise<unknown> | undefined
  /** A wait is over, and what it came to is on record: for waits that are not steps of their own. */
  leave(spec: EventPlace): void
}

/** Emits an event for whoever waits for it; the same `emission` is the same one. */
export type EmitEvent = (type: AnyEventType, key: string, value: unknown, emission: string) => Promise<EmitVerdict>
