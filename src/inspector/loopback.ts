import { isIPv4 } from 'node:net'

/** Whether an address is one that nobody but this machine reaches. */
export function isLoopback(host: string): boolean {
  const name = inUrl(host)
  // The last one is how browsers write `::ffff:127.0.0.1`.
  return (
    name === 'localhost' ||
    name === '[::1]' ||
    (isIPv4(name) && name.startsWith('127.')) ||
    /^\[::ffff:7f[\da-f]{2}:[\da-f]{1,4}\]$/.test(name)
  )
}

/** Whether it is no address of its own, but stands for all that this machine has. */
export function isWildcard(host: string): boolean {
  return ['0.0.0.0', '[::]', '[::ffff:0:0]'].includes(inUrl(host))
}

/** An address as it stands in URLs and in `Host`, the way browsers write it: an address of IPv6 has many forms, and there it has one. */
export function inUrl(host: string): string {
  const name = host.includes(':') ? `[${host}]` : host
  return URL.canParse(`http://${name}`) ? new URL(`http://${name}`).hostname : name.toLowerCase()
}
