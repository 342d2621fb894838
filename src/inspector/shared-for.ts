import { performance } from 'node:perf_hooks'

/** One answer for all calls within so many milliseconds: it takes many calls of the store. One that failed is not kept. */
export function sharedFor<T>(ms: number, make: () => Promise<T>): () => Promise<T> {
  let kept: { readonly until: number; readonly answer: Promise<T> } | undefined
  return () => {
    if (kept === undefined || performance.now() >= kept.until) {
      const made = { until: performance.now() + ms, answer: make() }
      made.answer.catch(() => (kept = kept === made ? undefined : kept))
      kept = made
    }
    return kept.answer
  }
}
