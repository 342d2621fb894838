import type { JSX } from 'preact'
import { useEffect, useRef } from 'preact/hooks'
import type { ForeignActors, ForeignActorState } from '../../protocol.ts'
import { useNotifier } from '../connection/notifier.ts'
import { usePage } from '../connection/page-context.ts'
import { useLoad } from '../connection/use-load.ts'
import { navigate } from '../route.ts'
import type { Route } from '../route.ts'
import { Clock, Name } from '../text/name.tsx'
import { plural, visibleText } from '../text/visible-text.ts'
import { Empty, Loading, Problem } from '../widgets/notice.tsx'
import { MachineChart } from './machine-chart.tsx'

/** Actors of other programs, which send what they do by `@statelyai/inspect`. */
export function ForeignMachines({
  route,
}: {
  readonly route: Extract<Route, { readonly view: 'machines' }>
}): JSX.Element {
  const { api, live } = usePage()
  const {
    value: now,
    error,
    isLoading,
    reload,
  } = useLoad(`foreign ${route.id ?? ''}`, () => api.foreign(route.id), 10_000)
  // Until what is chosen next is here, the list stays.
  const last = useRef<ForeignActors>(undefined)
  last.current = now ?? last.current
  const value = last.current
  useNotifier(live.foreign)
  const { version } = live.foreign
  useEffect(() => {
    if (version > 0) reload()
  }, [version])
  if (isLoading && value === undefined) return <Loading what="machines" />
  const actors = value?.actors ?? []
  const chosen = value?.chosen
  return (
    <div class="view machines">
      <h1 class="hidden">Machines of other programs</h1>
      {error !== undefined && <Problem what="The machines could not be read." error={error} onRetry={reload} />}
      {value !== undefined && actors.length === 0 && (
        <Empty title="No program shows its machines here yet">
          Give <code>createWebSocketInspector</code> of <code>@statelyai/inspect</code> this inspector’s{' '}
          <code>ingestUrl</code>.
        </Empty>
      )}
      {value?.leftOut !== undefined && (
        <p class="quiet" role="status">
          {plural(value.leftOut, 'message was', 'messages were')} left out: too large, or sent faster than they may be
          taken. What is shown may be older than the programs are.
        </p>
      )}
      {chosen !== undefined && (
        <div class="machines-split">
          <nav aria-label="Machines" class="scroll">
            {actors.map((actor) => (
              <button
                key={actor.id}
                type="button"
                class={`machine-item ${actor.parent === undefined ? '' : 'is-child'}`}
                aria-pressed={actor.id === chosen.id}
                onClick={() => navigate({ view: 'machines', id: actor.id }, true)}
              >
                <b>
                  <Name text={actor.name} />
                </b>
                <span class="quiet">
                  {!actor.isMachine && 'no machine · '}
                  {actor.isConnected ? <Name text={actor.status ?? 'active'} /> : 'not connected'}
                </span>
              </button>
            ))}
          </nav>
          <Actor key={chosen.id} actor={chosen} />
        </div>
      )}
    </div>
  )
}

function Actor({ actor }: { readonly actor: ForeignActorState }): JSX.Element {
  const { name, definition, value, context, events, isConnected, status } = actor
  return (
    <section class="scroll" tabIndex={0} aria-label="The chosen machine">
      <h2>
        <Name text={name} />
      </h2>
      <p class="quiet">
        {status !== undefined && <Name text={status} />}
        {!isConnected && ' Its program is not connected any more: this is the state that it was in last.'}
      </p>
      {definition === undefined ? (
        <p>This actor is no machine, so there is nothing to draw.</p>
      ) : (
        <MachineChart machine={{ definition, value }} />
      )}
      {events.length > 0 && (
        <>
          <h3>Events, the newest first</h3>
          <table class="small">
            <tbody>
              {events.map(({ type, at }, index) => (
                <tr key={index}>
                  <td>
                    <Clock at={at} />
                  </td>
                  <td>
                    <Name text={type} class="code" />
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </>
      )}
      {context !== undefined && (
        <>
          <h3>Context</h3>
          <pre tabIndex={0} aria-label="Context">
            <bdi>{visibleText(indented(context))}</bdi>
          </pre>
        </>
      )}
    </section>
  )
}

function indented(json: string): string {
  try {
    return JSON.stringify(JSON.parse(json), undefined, 2)
  } catch {
    return json // cut in the middle
  }
}
