/** A stored time, in milliseconds since the epoch, as it is shown; undefined where it is none, as where somebody has edited it. */
export function dateOf(ms: number | undefined): Date | undefined {
  const date = new Date(ms ?? Number.NaN)
  return Number.isNaN(date.getTime()) ? undefined : date
}
