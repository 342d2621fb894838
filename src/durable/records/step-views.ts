import type { StepView } from '../../runtime/execution/execution-view.ts'

/** Views of steps by name and item: a Map for each of very many items would take most of the memory. */
export class StepViews {
  readonly #bySteps = new Map<string, Map<string, StepView>>()

  get(step: string, item: string): StepView | undefined {
    return this.#bySteps.get(step)?.get(item)
  }

  /** All of one item; undefined where there are none. */
  of(item: string): ReadonlyMap<string, StepView> | undefined {
    let found: Map<string, StepView> | undefined
    for (const [step, views] of this.#bySteps) {
      const view = views.get(item)
      if (view !== undefined) found = (found ?? new Map<string, StepView>()).set(step, view)
    }
    return found
  }

  set(step: string, item: string, view: StepView): void {
    const views = this.#bySteps.get(step)
    if (views === undefined) this.#bySteps.set(step, new Map([[item, view]]))
    else views.set(item, view)
  }

  /** Forgets those that it is said of; gives how many there were. */
  forgetEach(isForgotten: (step: string, item: string) => boolean): number {
    let count = 0
    for (const [step, views] of this.#bySteps)
      for (const item of views.keys()) if (isForgotten(step, item) && views.delete(item)) count++
    return count
  }

  /** Gives how many there were. */
  forget(item: string): number {
    let count = 0
    for (const views of this.#bySteps.values()) if (views.delete(item)) count++
    return count
  }
}
