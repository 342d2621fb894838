import { useEffect, useReducer } from 'preact/hooks'

/** Something that changes, and is shown: at most one drawing a frame, however often it changes meanwhile. */
export class Notifier {
  readonly #listeners = new Set<() => void>()
  #frame = 0
  /** Grows with every change. */
  version = 0

  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  changed(): void {
    this.version++
    if (this.#frame !== 0) return
    this.#frame = requestAnimationFrame(() => {
      this.#frame = 0
      for (const listener of this.#listeners) listener()
    })
    // No frames come while the tab is hidden: then nothing is drawn, and everything is once it is shown.
  }
}

/** Draws a component again when something changed. */
export function useNotifier(notifier: Notifier | undefined): void {
  const [, draw] = useReducer<number, void>((count) => count + 1, 0)
  const drawn = notifier?.version
  useEffect(() => {
    if (notifier === undefined) return
    // It may have changed between the drawing and now, when nobody listened yet.
    if (notifier.version !== drawn) draw()
    return notifier.subscribe(() => draw())
  }, [notifier])
}
