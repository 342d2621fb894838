import type { JSX } from 'preact'
import { useEffect, useMemo, useState } from 'preact/hooks'
import { Api } from './connection/api.ts'
import { LiveConnection } from './connection/live-connection.ts'
import { PageContextOf } from './connection/page-context.ts'
import type { PageContext } from './connection/page-context.ts'
import { findToken, forgetToken, keepToken, shareToken, tokenIn } from './connection/token.ts'
import { Frame } from './frame.tsx'
import { Loading, messageOf } from './widgets/notice.tsx'

type Door =
  | { readonly at: 'opening' }
  | { readonly at: 'closed'; readonly why: string }
  | { readonly at: 'open'; readonly page: PageContext }

/** The page: first the token and what the server says about itself, then everything else. */
export function App(): JSX.Element {
  const [door, setDoor] = useState<Door>({ at: 'opening' })
  const [given, setGiven] = useState<string>()
  useEffect(() => {
    let isOver = false
    let timer: ReturnType<typeof setTimeout> | undefined
    const open = async (): Promise<void> => {
      const token = given ?? (await findToken())
      if (token === undefined) {
        setDoor({ at: 'closed', why: 'This page needs the token of its server.' })
        return
      }
      let live: LiveConnection | undefined
      const api = new Api(token, () => {
        forgetToken()
        live?.close()
        setDoor({ at: 'closed', why: 'The server did not accept the token: it may have been started again.' })
      })
      try {
        const about = await api.about()
        if (isOver) return
        keepToken(token)
        shareToken()
        live = new LiveConnection(token, () => void knowAgain(api, about.version))
        setDoor({ at: 'open', page: { api, about, live } })
      } catch (error) {
        if (isOver) return
        setDoor((before) => (before.at === 'closed' ? before : { at: 'closed', why: messageOf(error) }))
        timer = setTimeout(() => void open(), 3_000)
      }
    }
    const knowAgain = async (api: Api, version: string): Promise<void> => {
      const about = await api.about().catch(() => undefined)
      if (isOver || about === undefined) return
      // What this page and another version say to each other may differ. Where it is stands in its address.
      if (about.version !== version) return location.reload()
      setDoor((before) => (before.at === 'open' ? { at: 'open', page: { ...before.page, about } } : before))
    }
    void open()
    return () => {
      isOver = true
      clearTimeout(timer)
    }
  }, [given])

  if (door.at === 'open')
    return (
      <PageContextOf.Provider value={door.page}>
        <Frame />
      </PageContextOf.Provider>
    )
  if (door.at === 'opening') return <Loading what="the page" />
  return <TokenForm why={door.why} onToken={setGiven} />
}

function TokenForm({ why, onToken }: { readonly why: string; readonly onToken: (token: string) => void }): JSX.Element {
  const [text, setText] = useState('')
  const token = useMemo(() => tokenIn(text) ?? (text.trim() === '' ? undefined : text.trim()), [text])
  return (
    <main class="door">
      <h1>Docket</h1>
      <p role="alert">{why}</p>
      <form
        onSubmit={(event) => {
          event.preventDefault()
          if (token !== undefined) onToken(token)
        }}
      >
        <label>
          Address that the process printed, or its token
          <input
            type="password"
            autocomplete="off"
            value={text}
            onInput={(event) => setText(event.currentTarget.value)}
          />
        </label>
        <button type="submit" class="primary" disabled={token === undefined}>
          Open
        </button>
      </form>
      <p class="quiet">
        The process that serves this page prints an address with <code>#token=…</code> when it starts: opening that
        address is enough.
      </p>
    </main>
  )
}
