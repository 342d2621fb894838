import type { ExecutionEvent } from '../../core/contracts/events.ts'

/** Which events are looked for: all that is named must fit. */
export interface EventFilter<Type extends ExecutionEvent['type'] = ExecutionEvent['type']> {
  /** The event's type, as `'step.ended'`. @default any */
  readonly type?: Type | undefined
  /** The execution's id. @default any */
  readonly execution?: string | undefined
  /** The step's name. @default any */
  readonly step?: string | undefined
  /** Index of a batch's item. @default any */
  readonly item?: number | undefined
}

type Found<Type extends ExecutionEvent['type']> = Extract<ExecutionEvent, { readonly type: Type }>

/** The events of all executions of a test docket, in the order in which they happened, over restarts. */
export class RecordedEvents implements Iterable<ExecutionEvent> {
  readonly #events: ExecutionEvent[] = []
  readonly #listeners = new Set<() => void>()

  /** Everything so far. */
  get all(): readonly ExecutionEvent[] {
    return this.#events
  }

  /** Those that fit, typed by their `type`. */
  of<Type extends ExecutionEvent['type'] = ExecutionEvent['type']>(filter: EventFilter<Type>): readonly Found<Type>[] {
    return this.#events.filter((event) => fits(event, filter)) as Found<Type>[]
  }

  /**
   * How steps ended, in that order, as `'FetchProfile completed'`: what most tests compare. Of one execution, or of all.
   * @example expect(docket.events.steps('order-7')).toEqual(['Pay completed', 'Ship failed'])
   */
  steps(execution?: string): readonly string[] {
    const ends: { readonly id: string; readonly text: string; readonly isCancelled: boolean }[] = []
    for (const event of this.#events) {
      const id = event.executionId
      if (execution !== undefined && id !== execution) continue
      if (event.type === 'step.ended' || event.type === 'step.cancelled')
        ends.push({ id, text: `${event.step} ${event.status}`, isCancelled: event.status === 'cancelled' })
      // What was stopped when the execution was let go has not ended: it goes on with it.
      if (event.type === 'execution.released')
        for (let at = ends.length; at-- > 0;)
          if (ends[at]!.id === id) {
            if (!ends[at]!.isCancelled) break
            ends.splice(at, 1)
          }
    }
    return ends.map(({ text }) => text)
  }

  /** What was undone, in that order, as `'BookHotel undone'`. Of one execution, or of all. */
  undone(execution?: string): readonly string[] {
    return this.#events.flatMap((event) =>
      event.type === 'undo.ended' && (execution === undefined || event.executionId === execution)
        ? [`${event.step} ${event.status}`]
        : [],
    )
  }

  /** Forgets what has happened so far. */
  clear(): void {
    this.#events.length = 0
  }

  /** Adds one: a test docket does. */
  add(event: ExecutionEvent): void {
    this.#events.push(event)
    for (const listener of this.#listeners) listener()
  }

  /** Calls back with the first event that fits, one that is there already too: `docket.nextEvent` does. */
  onFirst<Type extends ExecutionEvent['type']>(filter: EventFilter<Type>, act: (event: Found<Type>) => void): void {
    const first = this.of(filter)[0]
    if (first !== undefined) {
      act(first)
      return
    }
    const listener = (): void => {
      const found = this.#events.at(-1)
      if (found === undefined || !fits(found, filter)) return
      this.#listeners.delete(listener)
      act(found as Found<Type>)
    }
    this.#listeners.add(listener)
  }

  [Symbol.iterator](): Iterator<ExecutionEvent> {
    return this.#events[Symbol.iterator]()
  }
}

function fits(event: ExecutionEvent, { type, execution, step, item }: EventFilter): boolean {
  return (
    (type === undefined || event.type === type) &&
    (execution === undefined || event.executionId === execution) &&
    (step === undefined || ('step' in event && event.step === step)) &&
    (item === undefined || ('item' in event && event.item === item))
  )
}
