import { describeThrown } from './thrown.ts'

const trusts =
  'name the authority (CA) that has signed it in NODE_EXTRA_CA_CERTS, or as ca in the TLS options of the URL, the pool or the client'

/** What OpenSSL, Node and servers say, by which no connection comes about however often it is tried, and what to do. Drivers pass on the words, not always the code. */
const refusals: readonly (readonly [said: RegExp, advice: string])[] = [
  [/self[- ]signed certificate|unable to (?:get|verify) .*certificate|certificate (?:not trusted|rejected)/i, trusts],
  [/certificate has expired|certificate is not yet valid/i, 'renew it, and look at this machine’s clock'],
  [
    /not match certificate's altnames|hostname mismatch/i,
    'connect by a name that is in it, or give that as servername in the TLS options',
  ],
  [
    /alert (?:certificate required|bad certificate|unknown ca|certificate unknown)/i,
    'the server wants a certificate that it trusts of its clients: give cert and key in the TLS options',
  ],
  [
    /wrong version number|packet length too long|server does not support (?:ssl|secure) connection/i,
    'the server does not speak TLS there: connect without it, or to its port for TLS',
  ],
]

/** What to say of an error by which TLS with a server can't come about: a certificate that is refused, mostly. Undefined for all others. */
export function refusedTls(thrown: unknown, server: string | undefined): string | undefined {
  const said = describeThrown(thrown)
  const advice = refusals.find(([words]) => words.test(said))?.[1]
  return advice && `no TLS${server === undefined ? '' : ` with ${server}`} (${said}): ${advice}`
}
