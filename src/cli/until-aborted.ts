/** Resolves once the command is interrupted; at once where it is already. `over` ends the listening: then it never resolves. */
export function untilAborted(signal: AbortSignal, over?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true, ...(over !== undefined && { signal: over }) })
  })
}

/** What a promise comes to; undefined where the command is interrupted before that. @throws what the promise rejects with */
export async function unlessAborted<Value>(work: Promise<Value>, signal: AbortSignal): Promise<Value | undefined> {
  const over = new AbortController()
  try {
    return await Promise.race([work, untilAborted(signal, over.signal).then(() => undefined)])
  } finally {
    over.abort()
  }
}
