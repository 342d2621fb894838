import { HttpError } from './answers.ts'

const prefix = 'nexus-callback-'
/** What a callback has of its own, and what would change how it is sent. */
const refused =
  /^(?:host|connection|keep-alive|te|trailer|upgrade|expect|content-.*|transfer-encoding|proxy-.*|nexus-.*|webhook-.*)$/
const mostBytes = 8_192

/** The headers that a caller wants back with its callback, without the prefix that they come with. @throws HttpError */
export function callbackHeadersOf(headers: Headers): Record<string, string> {
  const found: Record<string, string> = {}
  let bytes = 0
  for (const [name, value] of headers) {
    if (!name.startsWith(prefix)) continue
    const own = name.slice(prefix.length)
    if (own === '' || refused.test(own)) throw new HttpError(400, `a callback can't have the header "${own}"`)
    bytes += own.length + value.length
    if (bytes > mostBytes) throw new HttpError(400, `the headers of a callback may have ${mostBytes} bytes at the most`)
    found[own] = value
  }
  return found
}

/** The name under which a header of a callback is sent along with a request. */
export function callbackHeaderName(name: string): string {
  return `${prefix}${name}`
}
