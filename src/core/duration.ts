/** A span of time: a number of milliseconds, or a text like `'250ms'`, `'30s'`, `'5m'`, `'1.5h'`, `'7d'`, `'1h30m'`. */
export type Duration = number | string

const unitMs = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 } as const
const form = /^(?:\d+(?:\.\d+)?(?:ms|[smhdw]))(?:\s*\d+(?:\.\d+)?(?:ms|[smhdw]))*$/
const part = /(\d+(?:\.\d+)?)(ms|[smhdw])/g

/** The duration in milliseconds, or undefined if it is negative, not finite or can't be read. Never throws. */
export function durationMs(duration: unknown): number | undefined {
  if (typeof duration === 'number') return duration >= 0 && Number.isFinite(duration) ? duration : undefined
  if (typeof duration !== 'string') return undefined
  const text = duration.trim()
  const isNumber = /^\d+(?:\.\d+)?$/.test(text)
  if (!isNumber && !form.test(text)) return undefined
  let total = isNumber ? Number(text) : 0
  for (const [, amount, unit] of text.matchAll(part)) total += Number(amount) * unitMs[unit as keyof typeof unitMs]
  return Number.isFinite(total) ? total : undefined
}

/** The text that is read as so many milliseconds: `1h30m`. */
export function durationText(ms: number): string {
  let [left, text] = [ms, '']
  for (const unit of ['d', 'h', 'm', 's', 'ms'] as const) {
    const amount = unit === 'ms' ? left : Math.floor(left / unitMs[unit])
    if (amount > 0) text += `${amount}${unit}`
    left -= amount * unitMs[unit]
  }
  return text === '' ? '0ms' : text
}

/** What to write instead of a duration that could not be read. */
export const durationHint = "use milliseconds (250) or a string like '250ms', '30s', '5m', '1h30m'"
