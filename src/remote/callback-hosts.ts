import { isIP } from 'node:net'
import { describe } from '../core/check-options.ts'
import { innerAddress } from './addresses.ts'

/** Where callbacks may go. */
interface AllowedHost {
  readonly protocol: 'https:' | 'http:'
  /** As URLs have it; without its first label where it stands for all that end so. */
  readonly hostname: string
  readonly isSuffix: boolean
  readonly port: string
}

const entryForm = /^(?:(https?):\/\/)?(\*\.)?([^/?#@\s*]+)$/

/** What a callback's address came to: where it may go, or why not. */
export type CallbackVerdict = { readonly url: URL; readonly mayBeInner: boolean } | { readonly refusal: string }

/** An entry of the list of hosts; undefined for what is none. */
function hostOf(entry: unknown): AllowedHost | undefined {
  if (typeof entry !== 'string') return undefined
  const [, scheme = 'https', star, rest = ''] = entryForm.exec(entry) ?? []
  if (rest === '' || !URL.canParse(`${scheme}://${rest}`)) return undefined
  const { hostname, port, pathname } = new URL(`${scheme}://${rest}`)
  if (pathname !== '/') return undefined
  return { protocol: `${scheme as 'http' | 'https'}:`, hostname: plain(hostname), isSuffix: star !== undefined, port }
}

/** A name with a dot at its end is the same name. */
function plain(hostname: string): string {
  return hostname.replace(/\.$/, '').toLowerCase()
}

/** What is wrong with a list of hosts that callbacks may go to. */
export function problemOfHosts(given: unknown): string | undefined {
  if (given === undefined) return undefined
  if (!Array.isArray(given)) return `callbackHosts must be an array of hosts, not ${describe(given)}`
  const wrong = given.find((entry) => hostOf(entry) === undefined)
  return wrong === undefined
    ? undefined
    : `callbackHosts has ${describe(wrong)}, which is no host; write 'orders.example.com', 'orders.example.com:8443', '*.example.com', or 'http://localhost:3000' for one without TLS`
}

/** Which addresses callbacks may go to: those of listed hosts alone, and inside where the host that is listed leads inside by its very name. */
export class CallbackHosts {
  readonly #hosts: readonly AllowedHost[]

  constructor(entries: readonly string[]) {
    this.#hosts = entries.map((entry) => hostOf(entry)!)
  }

  get isEmpty(): boolean {
    return this.#hosts.length === 0
  }

  /** Whether a callback may go to an address that a caller gives, as far as that can be said without asking for the name. */
  verdict(address: string): CallbackVerdict {
    // Whatever form an address of IPv4 has (decimal, octal, with parts missing), a URL has it as four numbers.
    if (address.length > 2_000 || !URL.canParse(address)) return { refusal: 'the callback URL is none' }
    const url = new URL(address)
    if (url.username !== '' || url.password !== '') return { refusal: 'the callback URL has credentials in it' }
    const hostname = plain(url.hostname)
    const found = this.#hosts.find(
      (host) =>
        host.protocol === url.protocol &&
        host.port === url.port &&
        (host.isSuffix ? hostname.endsWith(`.${host.hostname}`) : hostname === host.hostname),
    )
    if (found === undefined) return { refusal: 'the host of the callback URL is not among callbackHosts' }
    const mayBeInner = !found.isSuffix && (isIP(hostname.replace(/^\[|\]$/g, '')) !== 0 || isLocalName(hostname))
    const what = innerAddress(hostname)
    if (what !== undefined && !mayBeInner) return { refusal: `the callback URL leads to a ${what} address` }
    url.hash = ''
    return { url, mayBeInner }
  }
}

function isLocalName(hostname: string): boolean {
  return hostname === 'localhost' || hostname.endsWith('.localhost')
}
