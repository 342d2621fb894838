import type { ComponentChildren, JSX } from 'preact'
import type { FleetHealth, FleetView } from '../../fleet-protocol.ts'
import { durationText } from '../text/time-text.ts'
import { countText, visibleText } from '../text/visible-text.ts'

/** How the process does that answers, and its store and engine, with what stands ready in all queues. */
export function Health({
  fleet: { health, workers, queues },
  store,
}: {
  readonly fleet: FleetView
  readonly store: string
}): JSX.Element {
  const ready = queues.reduce((sum, queue) => sum + queue.ready, 0)
  const running = queues.reduce((sum, queue) => sum + queue.running, 0)
  const oldest = queues.reduce((most, { oldestReadyMs = 0 }) => Math.max(most, oldestReadyMs), 0)
  const [word, look] = !health.isAlive
    ? ['Not working', 'is-bad']
    : !health.isReady || health.problems.length > 0
      ? ['Working, with problems', 'is-warning']
      : ['Healthy', 'is-good']
  const { engine, storeMs } = health
  const notes = notesOf(health)
  return (
    <section class="card health" aria-label="Health">
      <div class="figures">
        <Figure title="Health">
          <span class={look}>{word}</span>
        </Figure>
        <Figure title={`Store: ${visibleText(store)}`}>
          {storeMs === undefined ? <span class="is-bad">No answer</span> : durationText(storeMs)}
        </Figure>
        {engine !== undefined && (
          <Figure title={`Engine: ${visibleText(engine.name)}`}>
            {engine.delivers ? 'Connected' : <span class="is-warning">Away</span>}
          </Figure>
        )}
        <Figure title="Workers">{countText(workers.length)}</Figure>
        <Figure title="Running">{countText(running)}</Figure>
        <Figure title="Ready">{countText(ready)}</Figure>
        <Figure title="Oldest ready">{ready === 0 ? '–' : durationText(oldest)}</Figure>
      </div>
      {notes.length > 0 && (
        <ul class="problems">
          {notes.map((note, index) => (
            <li key={index}>
              <bdi>{visibleText(note.slice(0, 500))}</bdi>
            </li>
          ))}
        </ul>
      )}
    </section>
  )
}

/** What somebody should look at. An engine that is away costs a second for each execution, and no execution. */
function notesOf({ problems, engine, overruled }: FleetHealth): readonly string[] {
  return [...problems, ...(engine?.problem === undefined ? [] : [engine.problem]), ...overruled]
}

function Figure({ title, children }: { readonly title: string; readonly children: ComponentChildren }): JSX.Element {
  return (
    <div class="figure">
      <span class="quiet">{title}</span>
      <b>{children}</b>
    </div>
  )
}
