import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import { usePage } from '../connection/page-context.ts'
import { navigate, windows } from '../route.ts'
import type { Route } from '../route.ts'
import { isoOf, localInput } from '../text/time-text.ts'
import { shortText } from '../text/visible-text.ts'

type ListRoute = Extract<Route, { readonly view: 'executions' }>
type TextField = 'graph' | 'queue' | 'key' | 'errorCode' | 'waitsFor'

const fields: readonly { readonly field: TextField; readonly label: string; readonly hint: string }[] = [
  { field: 'graph', label: 'Graph', hint: 'any' },
  { field: 'queue', label: 'Queue', hint: 'any' },
  { field: 'key', label: 'Key', hint: 'any' },
  { field: 'errorCode', label: 'Error code', hint: 'STEP_FAILED' },
  { field: 'waitsFor', label: 'Waits for', hint: 'signal or event' },
]

/** What narrows the list down; every field stands in the address. */
export function ExecutionFilters({ route }: { readonly route: ListRoute }): JSX.Element {
  const { about } = usePage()
  const [isOpen, setOpen] = useState(false)
  const set = (field: keyof ListRoute['filter'], value: string | undefined): void => {
    const { [field]: _, ...rest } = route.filter
    navigate({ ...route, filter: value === undefined || value === '' ? rest : { ...rest, [field]: value } })
  }
  const hasOwnTimes = route.filter.from !== undefined || route.filter.before !== undefined
  const [isCustom, setCustom] = useState(hasOwnTimes)
  const setWindow = (value: string): void => {
    setCustom(value === 'custom')
    const { from: _, before: __, ...rest } = route.filter
    if (value === 'custom') navigate({ view: 'executions', filter: route.filter })
    else navigate({ view: 'executions', filter: rest, last: value === '' ? undefined : value })
  }
  const count = Object.keys(route.filter).filter((field) => field !== 'status').length + (route.last ? 1 : 0)
  return (
    <div class={`filters ${isOpen ? 'is-open' : ''}`} role="search" aria-label="Filters">
      <label class="field is-search">
        <span>Open by id</span>
        <input
          data-search
          type="search"
          placeholder="execution id   /"
          spellcheck={false}
          onKeyDown={(event) => {
            const id = event.currentTarget.value.trim()
            if (event.key === 'Enter' && id !== '') navigate({ view: 'execution', id })
          }}
        />
      </label>
      <button type="button" class="more-filters" aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>
        Filters{count > 0 ? ` (${count})` : ''}
      </button>
      {fields.map(({ field, label, hint }) => (
        <label key={field} class={`field ${route.filter[field] === undefined ? '' : 'is-set'}`}>
          <span>{label}</span>
          <input
            type="text"
            placeholder={hint}
            spellcheck={false}
            list={field === 'graph' ? 'graph-names' : undefined}
            value={route.filter[field] ?? ''}
            onChange={(event) => set(field, event.currentTarget.value.trim())}
          />
        </label>
      ))}
      <datalist id="graph-names">
        {about.graphs.map(({ name }) => (
          <option key={name} value={name}>
            {shortText(name, 80)}
          </option>
        ))}
      </datalist>
      <label class={`field ${route.last !== undefined || hasOwnTimes ? 'is-set' : ''}`}>
        <span>Created</span>
        <select
          value={isCustom ? 'custom' : (route.last ?? '')}
          onChange={(event) => setWindow(event.currentTarget.value)}
        >
          <option value="">at any time</option>
          {Object.keys(windows).map((name) => (
            <option key={name} value={name}>
              in the last {name}
            </option>
          ))}
          <option value="custom">between…</option>
        </select>
      </label>
      {isCustom &&
        (['from', 'before'] as const).map((field) => (
          <label key={field} class="field is-time">
            <span>{field === 'from' ? 'From' : 'Before'}</span>
            <input
              type="datetime-local"
              step={1}
              value={localInput(route.filter[field])}
              onChange={(event) => set(field, isoOf(event.currentTarget.value))}
            />
          </label>
        ))}
      {route.filter.parent !== undefined && (
        <button type="button" class="token" onClick={() => set('parent', undefined)}>
          Children of <bdi>{shortText(route.filter.parent, 24)}</bdi> <span aria-hidden="true">×</span>
          <span class="hidden">, clear</span>
        </button>
      )}
      {count > 0 && (
        <button type="button" class="link" onClick={() => navigate({ view: 'executions', filter: {} })}>
          Clear
        </button>
      )}
    </div>
  )
}
