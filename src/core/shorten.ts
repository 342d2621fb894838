/** A text that fits into a message: what callers send may be megabytes. The middle of a long one is left out. */
export function shorten(text: string, length = 100): string {
  if (text.length <= length) return text
  const half = Math.floor((length - 1) / 2)
  return `${text.slice(0, half)}…${text.slice(text.length - half)}`
}
