import type { JSX } from 'preact'
import { useEffect, useMemo } from 'preact/hooks'
import { useNotifier } from './connection/notifier.ts'
import { usePage } from './connection/page-context.ts'
import { Execution } from './execution/execution.tsx'
import { Executions } from './executions/executions.tsx'
import { Fleet } from './fleet/fleet.tsx'
import { ForeignMachines } from './machine/foreign-machines.tsx'
import { StartForm } from './acts/start-form.tsx'
import { goBack, useRoute } from './route.ts'
import type { Route } from './route.ts'
import { Name } from './text/name.tsx'
import { shortText } from './text/visible-text.ts'
import { Link } from './widgets/link.tsx'

/** What stands around every view: the names, where one can go, and whether changes come live. */
export function Frame(): JSX.Element {
  const { about } = usePage()
  const route = useRoute()
  useKeys(route)
  const title = titleOf(route)
  useEffect(() => {
    document.title = `${title} · Docket`
  }, [title])
  return (
    <>
      <a class="skip" href="#main" onClick={(event) => (event.preventDefault(), focusOn('#main'))}>
        To the content
      </a>
      <header class="bar">
        <Link to={{ view: 'executions', filter: {} }} class="brand" label="Docket, all executions">
          <svg viewBox="0 0 16 16" aria-hidden="true">
            <path d="M3 5h3.5M3 11h3.5M6.5 5L10 8l-3.5 3M10 8h3" />
          </svg>
          <span>Docket</span>
        </Link>
        <span class="place">
          <Name text={about.name} /> <span class="quiet">on</span> <Name text={about.store} />
        </span>
        <nav aria-label="Views">
          <Link
            to={{ view: 'executions', filter: {} }}
            isCurrent={route.view === 'executions' || route.view === 'execution'}
          >
            Executions
          </Link>
          <Link to={{ view: 'fleet' }} isCurrent={route.view === 'fleet'}>
            Fleet
          </Link>
          {about.takesForeign === true && (
            <Link to={{ view: 'machines' }} isCurrent={route.view === 'machines'}>
              Machines
            </Link>
          )}
        </nav>
        <span class="push" />
        <LiveMark />
        {about.allowsActions ? (
          <Link to={{ view: 'start' }} class="button primary">
            Start…
          </Link>
        ) : (
          <span
            class="badge"
            title="This server lets no acts through. Create the inspector with allowActions: true to cancel, retry and start here."
          >
            Read-only
          </span>
        )}
      </header>
      <main id="main" tabIndex={-1}>
        <View route={route} />
      </main>
    </>
  )
}

function titleOf(route: Route): string {
  if (route.view === 'execution') return shortText(route.id, 60)
  const titles = { executions: 'Executions', fleet: 'Fleet', machines: 'Machines', start: 'Start' } as const
  return titles[route.view]
}

function View({ route }: { readonly route: Route }): JSX.Element {
  switch (route.view) {
    case 'executions':
      return <Executions route={route} />
    case 'execution':
      return <Execution key={route.id} route={route} />
    case 'fleet':
      return <Fleet />
    case 'machines':
      return <ForeignMachines route={route} />
    case 'start':
      return <StartForm key={`${route.graph ?? ''} ${route.target ?? ''}`} route={route} />
  }
}

function LiveMark(): JSX.Element {
  const { live, about } = usePage()
  useNotifier(live)
  const texts = {
    live: about.isLive
      ? ['Live', 'Changes come at once.']
      : [
          'Twice a second',
          'Executions run in other processes: the list is read from the store twice a second, the execution that is open once.',
        ],
    connecting: ['Connecting…', 'The connection for live changes is being made.'],
    waiting: ['Reconnecting…', 'The connection to the server was lost, and is tried again. What is shown may be old.'],
    away: ['No answer of the store', 'The store does not answer; the page tries again. What is shown may be old.'],
  } as const
  const state = live.state === 'live' && live.isStoreAway ? 'away' : live.state
  const [text, title] = texts[state]
  return (
    <span class={`live is-${state}`} title={title} role="status">
      <span class="dot" aria-hidden="true" />
      {text}
    </span>
  )
}

/** Keys that work everywhere: `/` to the search, Escape back. */
function useKeys(route: Route): void {
  const latest = useMemo(() => ({ route }), [])
  latest.route = route
  useEffect(() => {
    const onKey = (event: KeyboardEvent): void => {
      if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return
      if (document.querySelector('dialog[open]') !== null) return
      const { target } = event
      const isTyping = target instanceof HTMLElement && target.matches('input, textarea, select')
      if (event.key === '/' && !isTyping) {
        event.preventDefault()
        focusOn('[data-search]')
      } else if (event.key === 'Escape') {
        if (isTyping) target.blur()
        else if (latest.route.view !== 'executions') goBack()
      }
    }
    addEventListener('keydown', onKey)
    return () => removeEventListener('keydown', onKey)
  }, [])
}

function focusOn(selector: string): void {
  const element = document.querySelector<HTMLElement>(selector)
  element?.focus()
  if (element instanceof HTMLInputElement) element.select()
}
