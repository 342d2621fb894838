/** A stored time, in milliseconds since the epoch, as it is shown. */
export function dateOf(ms: number | undefined): Date | undefined {
  return ms === undefined ? undefined : new Date(ms)
}
