/** A URL of a server whose host may be among the parameters, as the path of a socket (`postgres://user@/db?host=/path`). Null for what is none. */
export function parseServerUrl(url: string): URL | null {
  return URL.parse(url) ?? URL.parse(url.replace('@/', '@socket/'))
}

/** Whether it is the path of a socket. */
export function isSocketPath(address: string): boolean {
  return address.startsWith('/') && !address.startsWith('//')
}
