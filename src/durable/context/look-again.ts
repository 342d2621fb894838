import { markAsLook } from '../../runtime/environment/long-timeout.ts'
import { onAbort } from '../../runtime/environment/on-abort.ts'
import type { DocketContext } from './docket-context.ts'

/** What else ends a pause than its time. */
interface PauseEnds {
  readonly signal?: AbortSignal | undefined
  /** Calls back for something that is about the execution, until the returned function is called. */
  readonly listen?: ((done: () => void) => () => void) | undefined
  /** Whether the pause is over as soon as the execution lives here. @default true */
  readonly endsHere?: boolean
  /** Whether it is over when the docket gives up what is left here. @default true */
  readonly endsAtHandOver?: boolean
}

/** Waits before the next look at an execution; for no longer than it takes until it has ended, as far as hints say, or until the docket closes. */
export function pauseBeforeLook(
  context: DocketContext,
  id: string,
  ms: number,
  { signal, listen, endsHere = true, endsAtHandOver = true }: PauseEnds = {},
): Promise<void> {
  const { clock, connection, owned } = context
  return new Promise((resolve) => {
    const ends: (() => void)[] = []
    const done = (): void => {
      for (const end of ends.splice(0)) end()
      resolve()
    }
    const timer = clock.setTimeout(done, ms)
    markAsLook(timer)
    ends.push(() => clock.clearTimeout(timer), connection.onEnded(id, done))
    if (endsAtHandOver) ends.push(context.handOver.onBegin(done))
    if (endsHere) ends.push(context.onEnter(id, done))
    if (listen !== undefined) ends.push(listen(done))
    if (signal !== undefined) ends.push(onAbort(signal, done))
    if ((endsAtHandOver && context.handOver.hasBegun) || signal?.aborted === true || (endsHere && owned.has(id))) done()
  })
}
