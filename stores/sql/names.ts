/** What begins an escape; seldom enough in names to leave them as they are. */
const mark = '␛'
const escapes = new RegExp(`${mark}([0-9a-f]{4})`, 'g')
// With the `u` flag a surrogate that has its partner is no surrogate.
const unstorable = new RegExp(`[\\u0000${mark}\\ud800-\\udfff]`, 'gu')

/**
 * A text as text columns can hold it: NUL and lone surrogates, which databases refuse or mangle, become `␛` with four
 * hexadecimal digits, and so does `␛` itself. Every other text stays as it is, and no two give the same.
 */
export function toName(text: string): string {
  if (text.isWellFormed() && !text.includes('\0') && !text.includes(mark)) return text
  return text.replaceAll(unstorable, (one) => mark + one.charCodeAt(0).toString(16).padStart(4, '0'))
}

/** The text that `toName` was given. */
export function fromName(name: string): string {
  return name.includes(mark)
    ? name.replaceAll(escapes, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 16)))
    : name
}

/**
 * A JSON text without lone surrogates, which no database stores: they become escapes, so that the document stays the same. What
 * JSON.stringify wrote has none, and is given back as it is.
 */
export function storableJson(text: string): string {
  return text.isWellFormed()
    ? text
    : text.replaceAll(/[\ud800-\udfff]/gu, (one) => `\\u${one.charCodeAt(0).toString(16)}`)
}

/** An identifier (of a schema, say) in standard quotes. */
export function quoteIdentifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}
