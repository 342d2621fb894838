/** A duration for people: `12 ms`, `3.2 s`, `4 min 5 s`, `2 h 3 min`, `5 d 2 h`. */
export function durationText(ms: number): string {
  if (!Number.isFinite(ms)) return '–'
  if (ms < 0) return '0 ms'
  if (ms < 1_000) return `${Math.round(ms)} ms`
  if (ms < 59_950) return `${(ms / 1_000).toFixed(ms < 9_950 ? 1 : 0)} s`
  const seconds = Math.round(ms / 1_000)
  if (seconds < 3_600) return parts(Math.floor(seconds / 60), 'min', seconds % 60, 's')
  const minutes = Math.round(seconds / 60)
  if (minutes < 1_440) return parts(Math.floor(minutes / 60), 'h', minutes % 60, 'min')
  const hours = Math.round(minutes / 60)
  return parts(Math.floor(hours / 24), 'd', hours % 24, 'h')
}

function parts(large: number, largeUnit: string, small: number, smallUnit: string): string {
  return small === 0 ? `${large} ${largeUnit}` : `${large} ${largeUnit} ${small} ${smallUnit}`
}

/** How long ago, or how soon: `3 min ago`, `in 2 h`. */
export function agoText(time: number, now = Date.now()): string {
  const ms = now - time
  if (Math.abs(ms) < 1_000) return 'now'
  const text = coarse(Math.abs(ms))
  return ms > 0 ? `${text} ago` : `in ${text}`
}

function coarse(ms: number): string {
  const seconds = Math.round(ms / 1_000)
  if (seconds < 60) return `${seconds} s`
  const minutes = Math.round(seconds / 60)
  if (minutes < 60) return `${minutes} min`
  const hours = Math.round(minutes / 60)
  if (hours < 48) return `${hours} h`
  return `${Math.round(hours / 24)} d`
}

const two = (value: number): string => String(value).padStart(2, '0')

/** A time of this place, to the second; with the date where it is not of today. */
export function clockText(time: number, now = Date.now()): string {
  const date = new Date(time)
  const clock = `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`
  return new Date(now).toDateString() === date.toDateString() ? clock : `${dayText(date)} ${clock}`
}

function dayText(date: Date): string {
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`
}

/** What a field for local times holds of an ISO time. */
export function localInput(iso: string | undefined): string {
  if (iso === undefined || Number.isNaN(Date.parse(iso))) return ''
  const date = new Date(iso)
  return `${dayText(date)}T${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`
}

/** The ISO time of what such a field holds; undefined where it holds none. */
export function isoOf(input: string): string | undefined {
  const time = new Date(input)
  return input === '' || Number.isNaN(time.getTime()) ? undefined : time.toISOString()
}
