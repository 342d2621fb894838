/** A stretch of time, in milliseconds since 1970. */
export interface Stretch {
  readonly from: number
  readonly to: number
}

/** A stretch in which nothing happened, drawn narrower than it is: from `at` to `end` of the whole, each between 0 and 1. */
export interface Squeezed extends Stretch {
  readonly at: number
  readonly end: number
}

/** A scale of time on which idle stretches are squeezed. */
export interface TimeScale {
  readonly from: number
  readonly to: number
  readonly squeezed: readonly Squeezed[]
  /** Where a time is: 0 at the beginning, 1 at the end. */
  readonly placeOf: (time: number) => number
  /** The time at such a place. */
  readonly timeAt: (place: number) => number
}

/** A squeezed stretch takes this share of what is busy. */
const share = 0.04
/** Stretches shorter than this share of what is busy are left as they are. */
const idleFrom = 0.12
const leastIdleMs = 50

/** The scale for stretches in which something happened; nothing that is between them is lost, it is only drawn narrower. */
export function squeezedTime(busy: readonly Stretch[]): TimeScale {
  const merged = mergedStretches(busy)
  if (merged.length === 0) merged.push({ from: 0, to: 1 })
  const from = merged[0]!.from
  const to = Math.max(merged.at(-1)!.to, from + 1)
  const active = merged.reduce((sum, stretch) => sum + (stretch.to - stretch.from), 0)
  const threshold = Math.max(leastIdleMs, active * idleFrom)
  const narrow = Math.max(active, 1) * share
  // Corners of the scale: a time, and how far into the drawing it is.
  const times = [from]
  const drawn = [0]
  const gaps: (Stretch & { readonly index: number })[] = []
  const add = (time: number, length: number): void => {
    times.push(time)
    drawn.push(drawn.at(-1)! + length)
  }
  for (let index = 0; index < merged.length; index++) {
    const { to: end } = merged[index]!
    if (end > times.at(-1)!) add(end, end - times.at(-1)!)
    const next = merged[index + 1]
    if (next === undefined) continue
    const idle = next.from - times.at(-1)!
    if (idle > threshold) {
      gaps.push({ from: times.at(-1)!, to: next.from, index: times.length - 1 })
      add(next.from, narrow)
    } else if (idle > 0) add(next.from, idle)
  }
  if (times.length === 1) add(to, 1)
  const total = drawn.at(-1)!
  const places = drawn.map((length) => length / total)
  return {
    from,
    to: times.at(-1)!,
    squeezed: gaps.map(({ from: start, to: end, index }) => ({
      from: start,
      to: end,
      at: places[index]!,
      end: places[index + 1]!,
    })),
    placeOf: (time) => between(times, places, time),
    timeAt: (place) => between(places, times, place),
  }
}

function mergedStretches(busy: readonly Stretch[]): Stretch[] {
  const merged: { from: number; to: number }[] = []
  for (const { from, to } of busy.toSorted((one, two) => one.from - two.from)) {
    const last = merged.at(-1)
    if (last !== undefined && from <= last.to) last.to = Math.max(last.to, to)
    else merged.push({ from, to: Math.max(from, to) })
  }
  return merged
}

/** The value at a place between corners that grow; at the ends, those of the ends. */
function between(corners: readonly number[], values: readonly number[], at: number): number {
  if (at <= corners[0]!) return values[0]!
  if (at >= corners.at(-1)!) return values.at(-1)!
  let [low, high] = [0, corners.length - 1]
  while (high - low > 1) {
    const middle = (low + high) >> 1
    if (corners[middle]! <= at) low = middle
    else high = middle
  }
  const width = corners[high]! - corners[low]!
  return values[low]! + (width === 0 ? 0 : ((at - corners[low]!) / width) * (values[high]! - values[low]!))
}
