import { lookup } from 'node:dns'
import { request as requestHttp } from 'node:http'
import { request as requestHttps } from 'node:https'
import type { LookupFunction } from 'node:net'
import { innerAddress } from './addresses.ts'

/** A callback that is on its way. */
export interface OutgoingCallback {
  readonly url: URL
  /** Whether it may go to the machine itself. */
  readonly mayBeInner: boolean
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
  readonly timeoutMs: number
  readonly signal: AbortSignal
}

/** A name that leads where no callback may go. */
export class InnerAddressError extends Error {}

/**
 * Posts a callback, and gives the status of the answer. Not by `fetch`: it goes to the very address that was looked at, whatever the name leads to a moment later,
 * follows no redirect, keeps no connection, uses no proxy, and reads nothing of the answer.
 * @throws (as rejection) InnerAddressError, and what the connection fails with
 */
export function postCallback(callback: OutgoingCallback): Promise<number> {
  const { url, mayBeInner, headers, body, timeoutMs, signal } = callback
  const start = url.protocol === 'https:' ? requestHttps : requestHttp
  return new Promise((resolve, reject) => {
    const request = start(
      url,
      {
        method: 'POST',
        agent: false,
        headers: { ...headers, 'content-length': String(Buffer.byteLength(body)) },
        lookup: mayBeInner ? undefined : outerLookup,
        signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
      },
      (response) => {
        resolve(response.statusCode ?? 0)
        response.destroy()
      },
    )
    request.on('error', reject)
    request.end(body)
  })
}

/** As the system resolves names, but for those of which any address leads inside. */
const outerLookup: LookupFunction = (hostname, options, callback) => {
  lookup(hostname, { ...options, all: true }, (error, addresses) => {
    if (error !== null) return callback(error, '', 0)
    const what = addresses.map(({ address }) => innerAddress(address)).find((found) => found !== undefined)
    if (what !== undefined)
      return callback(new InnerAddressError(`"${hostname}" leads to a ${what} address`) as NodeJS.ErrnoException, '', 0)
    if (options.all === true)
      return (callback as unknown as (error: null, all: typeof addresses) => void)(null, addresses)
    const [first] = addresses
    callback(null, first?.address ?? '', first?.family)
  })
}
