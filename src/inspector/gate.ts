import type { IncomingMessage } from 'node:http'
import { inUrl, isWildcard } from './loopback.ts'

/** Why a request goes no further. */
export interface Refused {
  readonly status: 400 | 401 | 403
  readonly message: string
}

const refusedHost: Refused = { status: 403, message: 'this server does not go by that name' }
const refusedOrigin: Refused = { status: 403, message: 'this server answers no other site' }
const malformed: Refused = { status: 400, message: 'this is no request' }
const otherSites = new Set(['cross-site', 'same-site'])

/**
 * Lets requests through that can only be from the page, or from a program of this machine. Each check catches what the others miss: a name that was rebound to this
 * machine comes without an origin, and other sites come under the right name. For all paths, and for upgrades too.
 */
export class Gate {
  /** The origin of the page, by the `Host` that it is requested with. */
  readonly #origins: ReadonlyMap<string, string>

  constructor({
    host,
    port,
    origins,
  }: {
    readonly host: string
    readonly port: number
    readonly origins: readonly URL[]
  }) {
    // Browsers leave out the port that is usual.
    const suffix = port === 80 ? [':80', ''] : [`:${port}`]
    const hosts = ['localhost', '127.0.0.1', '[::1]', ...(isWildcard(host) ? [] : [inUrl(host)])]
    this.#origins = new Map([
      ...hosts.flatMap((name) =>
        suffix.map((end) => [`${name}${end}`, `http://${name}${port === 80 ? '' : end}`] as const),
      ),
      ...origins.map((url) => [url.host, url.origin] as const),
    ])
  }

  /** @param kind an upgrade always says where it comes from, since browsers let any site ask for one; `program`: one that no browser makes */
  refusalOf(
    { headers, rawHeaders, url }: IncomingMessage,
    kind: 'request' | 'upgrade' | 'program',
  ): Refused | undefined {
    if (url === undefined || !url.startsWith('/') || hasTwice(rawHeaders)) return malformed
    const own = this.#origins.get(headers.host?.toLowerCase() ?? '')
    if (own === undefined) return refusedHost
    const { origin } = headers
    if (origin === undefined ? kind === 'upgrade' : origin !== own) return refusedOrigin
    const site = headers['sec-fetch-site']
    return site !== undefined && otherSites.has(String(site)) ? refusedOrigin : undefined
  }
}

const single = new Set(['host', 'origin', 'sec-fetch-site', 'x-docket-token', 'content-type'])

/** Whether a header stands there twice, of those that decide: this server and a proxy might take different ones. */
function hasTwice(rawHeaders: readonly string[]): boolean {
  const names = rawHeaders.filter((_, index) => index % 2 === 0).map((name) => name.toLowerCase())
  const deciding = names.filter((name) => single.has(name))
  return new Set(deciding).size < deciding.length
}
