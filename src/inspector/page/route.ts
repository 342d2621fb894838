import { useEffect, useState } from 'preact/hooks'
import { filterFields } from '../protocol.ts'
import type { ExecutionFilter } from '../protocol.ts'

/** What is shown of an execution. */
export type ExecutionTab = 'graph' | 'timeline' | 'steps' | 'more'

/** What the page shows; all of it stands in the address. */
export type Route =
  | { readonly view: 'executions'; readonly filter: ExecutionFilter; readonly last?: string | undefined }
  | {
      readonly view: 'execution'
      readonly id: string
      readonly tab?: ExecutionTab | undefined
      readonly step?: string | undefined
      readonly item?: string | undefined
    }
  | { readonly view: 'fleet' }
  | { readonly view: 'machines'; readonly id?: string | undefined }
  | { readonly view: 'start'; readonly graph?: string | undefined; readonly target?: string | undefined }

/** Time windows that end now, by what the address says. */
export const windows: Readonly<Record<string, number>> = {
  '15m': 900_000,
  '1h': 3_600_000,
  '6h': 21_600_000,
  '24h': 86_400_000,
  '7d': 604_800_000,
}

/** The route of an address. */
function routeOf(search: string): Route {
  const query = new URLSearchParams(search)
  const get = (name: string): string | undefined => query.get(name) ?? undefined
  const id = get('execution')
  if (id !== undefined) {
    const tab = get('tab')
    return { view: 'execution', id, tab: isTab(tab) ? tab : undefined, step: get('step'), item: get('item') }
  }
  const view = get('view')
  if (view === 'fleet') return { view }
  if (view === 'machines') return { view, id: get('machine') }
  if (view === 'start') return { view, graph: get('graph'), target: get('target') }
  const filter: Record<string, string> = {}
  for (const field of filterFields) {
    const value = get(field)
    if (value !== undefined && value !== '') filter[field] = value
  }
  const last = get('last')
  return { view: 'executions', filter, last: last !== undefined && Object.hasOwn(windows, last) ? last : undefined }
}

/** The address of a route. */
export function addressOf(route: Route): string {
  const query = new URLSearchParams()
  const set = (name: string, value: string | undefined): void => {
    if (value !== undefined && value !== '') query.set(name, value)
  }
  if (route.view === 'execution') {
    set('execution', route.id)
    set('tab', route.tab)
    set('step', route.step)
    set('item', route.item)
  } else if (route.view === 'executions') {
    for (const field of filterFields) set(field, route.filter[field])
    set('last', route.last)
  } else {
    set('view', route.view)
    if (route.view === 'machines') set('machine', route.id)
    if (route.view === 'start') {
      set('graph', route.graph)
      set('target', route.target)
    }
  }
  const text = query.toString()
  return text === '' ? location.pathname : `${location.pathname}?${text}`
}

/** What is requested: a window that ends now becomes a time, on a whole minute so that pages of one list fit together. */
export function filterOf({ filter, last }: Extract<Route, { readonly view: 'executions' }>): ExecutionFilter {
  if (last === undefined) return filter
  const minute = 60_000
  return { ...filter, from: new Date(Math.floor((Date.now() - windows[last]!) / minute) * minute).toISOString() }
}

const changed = new EventTarget()

/** Shows something else; with `replace`, going back leads past it. */
export function navigate(route: Route, replace = false): void {
  const address = addressOf(route)
  if (replace) history.replaceState(history.state, '', address)
  else history.pushState({ depth: depth() + 1 }, '', address)
  changed.dispatchEvent(new Event('route'))
}

/** Back to where the page was before, or, where it was opened right here, to the list. */
export function goBack(): void {
  if (depth() > 0) history.back()
  else navigate({ view: 'executions', filter: {} }, true)
}

function depth(): number {
  return (history.state as { readonly depth?: number } | null)?.depth ?? 0
}

/** The route of now. */
export function useRoute(): Route {
  const [search, setSearch] = useState(location.search)
  useEffect(() => {
    const update = (): void => setSearch(location.search)
    addEventListener('popstate', update)
    changed.addEventListener('route', update)
    return () => {
      removeEventListener('popstate', update)
      changed.removeEventListener('route', update)
    }
  }, [])
  return routeOf(search)
}

function isTab(text: string | undefined): text is ExecutionTab {
  return text === 'graph' || text === 'timeline' || text === 'steps' || text === 'more'
}
