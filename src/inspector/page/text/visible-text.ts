// Controls, and the signs that turn the direction of what follows: names with them could pass for other names, or reorder the page.
const invisible = /(?![\n\u200c\u200d])[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu

/** A text with its invisible characters spelled out, as `\u001b`; line feeds stay, and so do the joiners that scripts and emoji need. */
export function visibleText(text: string): string {
  return text.replaceAll(invisible, (sign) => `\\u${sign.codePointAt(0)!.toString(16).padStart(4, '0')}`)
}

/** The same in one line of at most so many characters; what was cut is marked. */
export function shortText(text: string, most = 200): string {
  const cut = text.length > most ? `${text.slice(0, most - 1)}…` : text
  return visibleText(cut.replaceAll('\n', '⏎'))
}

/** A size in bytes for people. */
export function sizeText(bytes: number): string {
  if (bytes < 1_000) return `${bytes} B`
  if (bytes < 1_000_000) return `${(bytes / 1_000).toFixed(bytes < 10_000 ? 1 : 0)} kB`
  return `${(bytes / 1_000_000).toFixed(1)} MB`
}

/** A count with separators: `10,000+` where counting stopped. */
export function countText(count: number, isMore = false): string {
  return count.toLocaleString('en') + (isMore ? '+' : '')
}

/** `1 step`, `2 steps`. */
export function plural(count: number, one: string, many = `${one}s`): string {
  return `${countText(count)} ${count === 1 ? one : many}`
}
