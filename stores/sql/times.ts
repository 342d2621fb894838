// What every database's type for times holds; beyond that is never, or always.
const earliest = Date.UTC(1000, 0, 1)
/** The latest time that is kept; whatever is later counts as this. */
export const latest = Date.UTC(9999, 11, 31, 23, 59, 59, 999)

// Records of one call mostly have the same few times, and making a Date for each costs as much as writing a row to SQLite.
let lastMs = Number.NaN
let lastText = ''
let lastSecond = Number.NaN
let lastSecondText = ''

/**
 * A time as `YYYY-MM-DD HH:MM:SS.sss` in UTC, whatever the time zone of the process: the form in which SQLite's own functions
 * (`datetime('now', '-1 day')`, `date('now')`) answer, so texts compare as times do, and the literal that MySQL takes.
 * Infinity is the latest time.
 */
export function toSqlTime(ms: number): string {
  if (ms === lastMs) return lastText
  const within = Math.trunc(ms >= earliest ? Math.min(ms, latest) : earliest)
  const second = Math.floor(within / 1_000)
  if (second !== lastSecond) {
    lastSecondText = new Date(within).toISOString().slice(0, -4).replace('T', ' ')
    lastSecond = second
  }
  lastText = lastSecondText + String(within - second * 1_000).padStart(3, '0')
  lastMs = ms
  return lastText
}

/** Milliseconds since the epoch, from a number of them (PostgreSQL gives that) or from the text of `toSqlTime`. */
export function fromSqlTime(value: unknown): number {
  return typeof value === 'number' ? value : Date.parse(`${String(value).replace(' ', 'T')}Z`)
}
