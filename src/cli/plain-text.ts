// Control characters of both blocks, line separators, marks and overrides of the writing direction, and halves of surrogate pairs.
const unsafe = /[\p{Cc}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]|\p{Cs}/gu

const mostCharacters = 300

/** A name as one line of a terminal: what would move the cursor, or turn the writing around, is written as its number; very long ones are cut. */
export function plain(text: string, most = mostCharacters): string {
  const cut = text.length > most ? `${text.slice(0, most - 1)}…` : text
  return cut.replaceAll(unsafe, escaped)
}

/** The same of a text of several lines, whole. */
export function plainLines(text: string): string {
  return text
    .split('\n')
    .map((line) => line.replaceAll(unsafe, escaped))
    .join('\n')
}

/** JSON on one line, in which nothing moves a cursor either. */
export function jsonLine(value: unknown): string {
  return JSON.stringify(value).replaceAll(unsafe, escaped)
}

function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
}
