import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import type { ExecutionView, StepView } from '../../protocol.ts'
import { ExecutionActs } from '../acts/execution-acts.tsx'
import type { ExecutionModel } from '../connection/execution-model.ts'
import { usePage } from '../connection/page-context.ts'
import { useLoad } from '../connection/use-load.ts'
import { Ago, ErrorText, Name, Status, StatusShape, Took } from '../text/name.tsx'
import { hasEnded, lookOf, stepStatuses } from '../text/statuses.ts'
import { countText, plural, visibleText } from '../text/visible-text.ts'
import { Link } from '../widgets/link.tsx'
import { Problem } from '../widgets/notice.tsx'

interface ExecutionHeadProps {
  readonly model: ExecutionModel
  readonly status: string | undefined
  readonly onStatus: (status: string | undefined) => void
  readonly onStep: (step: StepView) => void
}

/** What an execution is and what it is at: names, state, times, the reason, progress, and what can be done. */
export function ExecutionHead({ model, status, onStatus, onStep }: ExecutionHeadProps): JSX.Element {
  const { api } = usePage()
  const view = model.view!
  const failed = view.error === undefined ? undefined : model.steps.find((step) => step.status === 'failed')
  // The reason may be another one with every change of the state, or of what is waited for.
  const waits = model.steps.filter((step) => step.status === 'waiting').length
  const why = useLoad(
    `${view.id} ${view.status} ${waits}`,
    () => api.why(view.id),
    hasEnded(view.status) ? undefined : 5_000,
  )
  return (
    <header class="head">
      <div class="head-line">
        <h1>
          <Status status={view.status} />
          <span class="head-names">
            <Name text={view.graph} />
            <span class="quiet">→</span>
            <Name text={view.target} class="quiet" />
          </span>
        </h1>
        <span class="push" />
        <ExecutionActs model={model} />
      </div>
      <div class="facts">
        <Id id={view.id} />
        <Fact title="Created">
          <Ago at={view.createdAt} />
        </Fact>
        <Fact title={timeTitle(view)}>
          <Took from={view.startedAt ?? view.createdAt} to={view.endedAt} isOpen={!hasEnded(view.status)} />
        </Fact>
        <Fact title="Queue">
          <Name text={view.queue} />
        </Fact>
        {view.key !== undefined && (
          <Fact title="Key">
            <Name text={view.key} />
          </Fact>
        )}
        {view.owner !== undefined && (
          <Fact title="Owner">
            <Name text={view.owner} class="id" />
          </Fact>
        )}
        {view.deadline !== undefined && !hasEnded(view.status) && (
          <Fact title="Deadline">
            <Ago at={view.deadline} />
          </Fact>
        )}
        {view.parent !== undefined && (
          <Fact title="Parent">
            <Link to={{ view: 'execution', id: view.parent }} class="id">
              <Name text={view.parent} />
            </Link>
          </Fact>
        )}
        {view.forkedFrom !== undefined && (
          <Fact title="Forked from">
            <Link to={{ view: 'execution', id: view.forkedFrom }} class="id">
              <Name text={view.forkedFrom} />
            </Link>
          </Fact>
        )}
        {view.children.length > 0 && (
          <Fact title="Children">
            <Link to={{ view: 'executions', filter: { parent: view.id } }}>{countText(view.children.length)}</Link>
          </Fact>
        )}
      </div>
      <Situation view={view} why={why.value?.text} />
      {why.error !== undefined && model.error === undefined && !model.isGone && (
        <Problem what="What is shown may be old: it could not be read again." error={why.error} onRetry={why.reload} />
      )}
      {view.incompatible.length > 0 && (
        <p class="is-warning">Can’t go on here: {view.incompatible.map(visibleText).join('; ')}</p>
      )}
      {view.error !== undefined && (
        <div class="head-error" role="group" aria-label="What it ended with">
          <ErrorText error={view.error} />
          {failed !== undefined && (
            <button type="button" onClick={() => onStep(failed)}>
              Show the failed step
            </button>
          )}
        </div>
      )}
      <Progress steps={model.steps} items={view.items} status={status} onStatus={onStatus} />
    </header>
  )
}

/** What the time is that has gone by: one that has not begun has run for none. */
function timeTitle({ startedAt, endedAt }: ExecutionView): string {
  if (endedAt !== undefined) return 'Took'
  return startedAt === undefined ? 'Not begun for' : 'Running for'
}

/** Why it is where it is; until that is known, which process runs it. */
function Situation({ view, why }: { readonly view: ExecutionView; readonly why: string | undefined }): JSX.Element {
  const situation = visibleText(view.situation)
  return (
    <p class="situation" title={situation.slice(0, 1_000)}>
      <bdi>{why === undefined ? situation : visibleText(why)}</bdi>
    </p>
  )
}

function Fact({ title, children }: { readonly title: string; readonly children: JSX.Element }): JSX.Element {
  return (
    <span class="fact">
      <span class="quiet">{title}</span> {children}
    </span>
  )
}

function Id({ id }: { readonly id: string }): JSX.Element {
  const [isCopied, setCopied] = useState(false)
  const copy = (): void => {
    void navigator.clipboard?.writeText(id).then(() => {
      setCopied(true)
      setTimeout(setCopied, 1_200, false)
    })
  }
  return (
    <span class="fact is-id">
      <Name text={id} class="id" />
      <button type="button" class="link" onClick={copy} aria-label="Copy the id">
        {isCopied ? 'Copied' : 'Copy'}
      </button>
    </span>
  )
}

/** How many steps are in which status: as a bar, and as words that choose them. */
function Progress({
  steps,
  items,
  status,
  onStatus,
}: {
  readonly steps: readonly StepView[]
  readonly items: ExecutionView['items']
  readonly status: string | undefined
  readonly onStatus: (status: string | undefined) => void
}): JSX.Element | null {
  const counts = new Map<string, number>()
  for (const step of steps) counts.set(step.status, (counts.get(step.status) ?? 0) + 1)
  if (steps.length === 0 && items === undefined) return null
  const order = ['completed', 'cached', 'running', 'retrying', 'waiting', 'queued', 'claiming', 'failed', 'cancelled']
  const known = [...new Set([...order, ...stepStatuses, ...counts.keys()])].filter((each) => counts.has(each))
  return (
    <div class="progress">
      <div class="progress-bar" aria-hidden="true">
        {known.map((each) => (
          <span
            key={each}
            style={{ flexGrow: String(counts.get(each)!), background: `var(${lookOf(each).colour})` }}
            class={each === 'pending' || each === 'skipped' ? 'is-faint' : ''}
          />
        ))}
      </div>
      <div class="progress-words">
        {known.map((each) => (
          <button
            key={each}
            type="button"
            class="count"
            aria-pressed={status === each}
            title={`Show only steps that are ${lookOf(each).word.toLowerCase()}`}
            onClick={() => onStatus(status === each ? undefined : each)}
          >
            <StatusShape status={each} />
            <b>{countText(counts.get(each)!)}</b> {lookOf(each).word.toLowerCase()}
          </button>
        ))}
        {items !== undefined && (
          <span class="quiet">
            {plural(items.total, 'item')}: {countText(items.completed)} completed, {countText(items.running)} running,{' '}
            {countText(items.failed)} failed
          </span>
        )}
      </div>
    </div>
  )
}
