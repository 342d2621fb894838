import type { ChildOptions, DurableChild } from '../../core/graph/durable-context.ts'

type OnParentEnd = NonNullable<ChildOptions['onParentEnd']>

/** What may be said of a child whose parent ends first. */
export const onParentEnds: readonly OnParentEnd[] = ['leave', 'cancel', 'wait']

/** The children of a run of a function that are not to go on by themselves when it returns. */
export class ChildEnds {
  readonly #children: { readonly child: DurableChild<unknown>; readonly onParentEnd: OnParentEnd }[] = []

  add(child: DurableChild<unknown>, onParentEnd: OnParentEnd): void {
    if (onParentEnd !== 'leave') this.#children.push({ child, onParentEnd })
  }

  /**
   * The function has returned: cancels children, or waits for them, by verbs, so that a run after this one does the same. Of one that has ended both are nothing.
   * Undefined where there is none.
   */
  settle(): Promise<unknown> | undefined {
    if (this.#children.length === 0) return undefined
    const ends = this.#children.map(({ child, onParentEnd }) =>
      onParentEnd === 'cancel' ? child.cancel() : child.result(),
    )
    return Promise.allSettled(ends)
  }
}
