const key = 'docket-token'
const channelName = 'docket-token'

/**
 * The token of the address (`#token=…`), kept for this tab alone and taken out of the address, so that a copied link does not carry it. A tab that has
 * none requests it of the other tabs of the same server.
 */
export async function findToken(): Promise<string | undefined> {
  const given = tokenIn(location.hash)
  if (given !== undefined) {
    keepToken(given)
    history.replaceState(history.state, '', location.pathname + location.search)
  }
  const token = given ?? sessionStorage.getItem(key) ?? (await tokenOfOtherTabs())
  if (token !== undefined) keepToken(token)
  return token
}

/** Keeps a token for this tab. */
export function keepToken(token: string): void {
  sessionStorage.setItem(key, token)
}

/** Forgets a token that was refused. */
export function forgetToken(): void {
  sessionStorage.removeItem(key)
}

/** Answers the tabs of this server that have no token yet. */
export function shareToken(): void {
  if (typeof BroadcastChannel === 'undefined') return
  const channel = new BroadcastChannel(channelName)
  channel.addEventListener('message', ({ data }) => {
    const token = sessionStorage.getItem(key)
    // oxlint-disable-next-line require-post-message-target-origin -- a channel reaches its own origin alone
    if (data === 'request' && token !== null) channel.postMessage({ token })
  })
}

/** A token by itself, or in an address: what people paste. No character of one is ever escaped. */
export function tokenIn(text: string): string | undefined {
  const named = /#.*?token=([\w-]+)/.exec(text) ?? /^#?([\w-]{16,})$/.exec(text.trim())
  return named?.[1]
}

function tokenOfOtherTabs(): Promise<string | undefined> {
  if (typeof BroadcastChannel === 'undefined') return Promise.resolve(undefined)
  const channel = new BroadcastChannel(channelName)
  return new Promise((resolve) => {
    const finish = (token: string | undefined): void => {
      clearTimeout(timer)
      channel.close()
      resolve(token)
    }
    const timer = setTimeout(finish, 250, undefined)
    channel.addEventListener('message', ({ data }: MessageEvent<{ readonly token?: unknown }>) => {
      if (typeof data.token === 'string') finish(data.token)
    })
    // oxlint-disable-next-line require-post-message-target-origin -- as above
    channel.postMessage('request')
  })
}
