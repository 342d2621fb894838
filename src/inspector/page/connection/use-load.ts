import { useEffect, useRef, useState } from 'preact/hooks'

/** Something that is loaded: what there is of it, and what went wrong last. */
export interface Loaded<Value> {
  readonly value: Value | undefined
  readonly error: unknown
  readonly isLoading: boolean
  readonly reload: () => void
}

/**
 * Loads something when its key changes, and every so many milliseconds while the page is visible. What was there stays until the new is: nothing flickers.
 * An answer that comes after the key changed is dropped.
 */
export function useLoad<Value>(key: string | undefined, load: () => Promise<Value>, everyMs?: number): Loaded<Value> {
  const [state, setState] = useState<{ key?: string | undefined; value?: Value | undefined; error?: unknown }>({})
  const [turn, setTurn] = useState(0)
  const latest = useRef(load)
  latest.current = load
  useEffect(() => {
    if (key === undefined) return
    let isOver = false
    let timer: ReturnType<typeof setTimeout> | undefined
    const run = async (): Promise<void> => {
      try {
        const value = await latest.current()
        if (!isOver) setState({ key, value })
      } catch (error) {
        if (!isOver) setState((before) => ({ key, value: before.key === key ? before.value : undefined, error }))
      }
      if (!isOver && everyMs !== undefined) timer = setTimeout(next, everyMs)
    }
    const next = (): void => {
      if (document.visibilityState === 'visible') void run()
      else timer = setTimeout(next, everyMs)
    }
    void run()
    return () => {
      isOver = true
      clearTimeout(timer)
    }
  }, [key, everyMs, turn])
  const isOfKey = state.key === key && key !== undefined
  return {
    value: isOfKey ? state.value : undefined,
    error: isOfKey ? state.error : undefined,
    isLoading: key !== undefined && !isOfKey,
    reload: () => setTurn((count) => count + 1),
  }
}
