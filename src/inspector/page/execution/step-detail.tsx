import type { JSX } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'
import type { MachineView, StepView } from '../../protocol.ts'
import { StepActs } from '../acts/step-acts.tsx'
import type { ExecutionModel } from '../connection/execution-model.ts'
import { usePage } from '../connection/page-context.ts'
import { useLoad } from '../connection/use-load.ts'
import { MachineChart } from '../machine/machine-chart.tsx'
import { Ago, Clock, ErrorText, Name, Status, StatusShape, Took } from '../text/name.tsx'
import { hasEnded, lookOf } from '../text/statuses.ts'
import { durationText } from '../text/time-text.ts'
import { shortText, visibleText } from '../text/visible-text.ts'
import { Link } from '../widgets/link.tsx'
import { messageOf } from '../widgets/notice.tsx'
import { Pair, Part } from './part.tsx'
import { ValueText } from './value-text.tsx'
import { Table } from '../widgets/table.tsx'

interface StepDetailProps {
  readonly model: ExecutionModel
  readonly step: StepView
  readonly onStep: (step: StepView) => void
  readonly onClose: () => void
}

/** Everything about one step: why it is where it is first of all. */
export function StepDetail({ model, step, onStep, onClose }: StepDetailProps): JSX.Element {
  const { api } = usePage()
  const id = model.view!.id
  const key = `${id} ${step.step} ${step.item ?? ''} ${step.status} ${step.attempt}`
  const why = useLoad(key, () => api.why(id, step.step, step.item), hasEnded(step.status) ? undefined : 5_000)
  const children = model.view!.children.filter((child) => child.step === step.step)
  const queuedFor = delayOf(step)
  return (
    <>
      <div class="detail-head">
        <h2>
          <Name text={step.step} />
        </h2>
        <button type="button" class="link" onClick={onClose} aria-label="Close the step">
          ✕
        </button>
      </div>
      {step.item !== undefined && (
        <p class="quiet">
          Item <Name text={step.item} class="id" />
        </p>
      )}
      <p class="detail-status">
        <Status status={step.status} />
        {step.kind !== undefined && (
          <span class="badge">
            <Name text={step.kind} />
          </span>
        )}
        {step.undo !== undefined && (
          <span class="badge">
            undo: <Name text={step.undo} />
          </span>
        )}
      </p>
      <p class="why" aria-live="polite">
        {why.value !== undefined && <bdi>{visibleText(why.value.text)}</bdi>}
        {why.isLoading && <span class="quiet">Finding out why…</span>}
        {why.error !== undefined && <span class="quiet">Why is not known: {messageOf(why.error)}</span>}
      </p>
      <StepActs model={model} step={step} />
      {step.error !== undefined && step.status !== 'completed' && step.status !== 'cached' && (
        <Part title="Error">
          <ErrorText error={step.error} />
        </Part>
      )}
      <Part title="Times">
        <dl class="pairs">
          {queuedFor !== undefined && <Pair name="Queued for">{durationText(queuedFor)}</Pair>}
          <Pair name="Started">
            <Clock at={step.startedAt} />
          </Pair>
          {step.endedAt !== undefined && (
            <Pair name="Ended">
              <Clock at={step.endedAt} />
            </Pair>
          )}
          <Pair name="Took">
            <Took from={step.startedAt} to={step.endedAt} isOpen={!hasEnded(step.status)} />
          </Pair>
          {step.dueAt !== undefined && !hasEnded(step.status) && (
            <Pair name="Due">
              <Ago at={step.dueAt} /> (<Clock at={step.dueAt} />)
            </Pair>
          )}
          {step.waitsFor !== undefined && (
            <Pair name="Waits for">
              <Name text={step.waitsFor} />
            </Pair>
          )}
        </dl>
      </Part>
      {(step.attempts.length > 1 || step.attempts.some(({ error }) => error !== undefined)) && (
        <Part title={`Attempts (the last ${step.attempts.length} of ${Math.max(step.attempt, step.attempts.length)})`}>
          <Attempts step={step} />
        </Part>
      )}
      {step.output !== undefined && (
        <Part title="Output">
          {step.endedAt === undefined && !hasEnded(step.status) ? (
            <p class="quiet">
              Makes <Name text={step.output.type} class="code" /> when it completes.
            </p>
          ) : (
            <ValueText
              id={id}
              value={step.output}
              address={{ of: 'step', step: step.step, item: step.item }}
              version={step.status}
            />
          )}
        </Part>
      )}
      {step.checkpoints !== undefined && step.checkpoints.length > 0 && (
        <Part title="What its function has done">
          <Table class="small" columns={['Name', 'Verb', 'Status', 'At']}>
            {step.checkpoints.map(({ name, kind, status, at }, index) => (
              <tr key={index}>
                <td>
                  <Name text={name} />
                </td>
                <td>
                  <Name text={kind} />
                </td>
                <td>{visibleText(lookOf(status).word)}</td>
                <td>
                  <Clock at={at} />
                </td>
              </tr>
            ))}
          </Table>
        </Part>
      )}
      {children.length > 0 && (
        <Part title="Children">
          {children.map((child) => (
            <p key={child.id} class="row-line">
              <StatusShape status={child.status} />
              <Link to={{ view: 'execution', id: child.id }} class="id">
                <Name text={child.id} />
              </Link>
              <Name text={child.graph} class="quiet" />
            </p>
          ))}
        </Part>
      )}
      <Related model={model} step={step} onStep={onStep} />
      <Statechart id={id} step={step} />
    </>
  )
}

function delayOf({ queuedAt, startedAt, attempts }: StepView): number | undefined {
  const started = attempts[0]?.startedAt ?? startedAt
  return queuedAt === undefined || started === undefined ? undefined : Date.parse(started) - Date.parse(queuedAt)
}

function Attempts({ step }: { readonly step: StepView }): JSX.Element {
  return (
    <ol class="attempts">
      {step.attempts.toReversed().map(({ attempt, startedAt, endedAt, owner, error }) => (
        <li key={attempt}>
          <div class="attempt-line">
            <b>#{attempt}</b>
            <span>
              <Clock at={startedAt} />
            </span>
            <Took from={startedAt} to={endedAt} isOpen={!hasEnded(step.status)} />
            {error !== undefined && <span class="is-bad">failed</span>}
            {owner !== undefined && <Name text={owner} class="quiet id" />}
          </div>
          {error !== undefined && <ErrorText error={error} />}
        </li>
      ))}
    </ol>
  )
}

/** So many neighbours are named; of more, how many there are. */
const mostRelated = 12

function Related({ model, step, onStep }: Omit<StepDetailProps, 'onClose'>): JSX.Element | null {
  const before = step.dependsOn.flatMap((name) => model.stepOf(name, step.item) ?? model.stepOf(name) ?? [])
  const after = model.steps.filter(({ dependsOn, item }) => item === step.item && dependsOn.includes(step.step))
  if (before.length + after.length === 0) return null
  const list = (title: string, steps: readonly StepView[]): JSX.Element | null =>
    steps.length === 0 ? null : (
      <Part title={title}>
        {steps.slice(0, mostRelated).map((other) => (
          <button key={other.step} type="button" class="related" onClick={() => onStep(other)}>
            <StatusShape status={other.status} />
            <Name text={other.step} />
            <span class="quiet">{lookOf(other.status).word.toLowerCase()}</span>
          </button>
        ))}
        {steps.length > mostRelated && <p class="quiet">and {steps.length - mostRelated} more</p>}
      </Part>
    )
  return (
    <>
      {list('Needs', before)}
      {list('Needed by', after)}
    </>
  )
}

function Statechart({ id, step }: { readonly id: string; readonly step: StepView }): JSX.Element {
  const { api } = usePage()
  const [isOpen, setOpen] = useState(step.kind === 'machine')
  const [isLarge, setLarge] = useState(false)
  const key = isOpen ? `${id} ${step.step} ${step.status} ${step.attempt}` : undefined
  const every = hasEnded(step.status) ? undefined : 2_000
  const { value, error, isLoading } = useLoad(key, () => api.machine(id, step.step), every)
  return (
    <section class="part">
      <button type="button" class="value-head" aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>
        <span class="caret" aria-hidden="true">
          {isOpen ? '▾' : '▸'}
        </span>
        <h3>Statechart</h3>
      </button>
      {isOpen && isLoading && <p class="quiet">Loading…</p>}
      {error !== undefined && <p class="quiet">{messageOf(error)}</p>}
      {isOpen && value !== undefined && (
        <>
          <MachineChart machine={value} />
          <button type="button" class="enlarge" onClick={() => setLarge(true)}>
            Enlarge
          </button>
          {isLarge && <LargeChart step={step.step} machine={value} onClose={() => setLarge(false)} />}
        </>
      )}
    </section>
  )
}

function LargeChart({
  step,
  machine,
  onClose,
}: {
  readonly step: string
  readonly machine: MachineView
  readonly onClose: () => void
}): JSX.Element {
  const dialog = useRef<HTMLDialogElement>(null)
  useEffect(() => dialog.current?.showModal(), [])
  return (
    <dialog ref={dialog} class="large" aria-label={`Statechart of ${shortText(step, 80)}`} onClose={onClose}>
      <form method="dialog">
        <button type="submit">Close</button>
      </form>
      <MachineChart machine={machine} />
    </dialog>
  )
}
