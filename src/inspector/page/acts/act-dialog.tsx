import type { ComponentChildren, JSX } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'
import type { Act, ActOutcomes } from '../../protocol.ts'
import { usePage } from '../connection/page-context.ts'
import { Name } from '../text/name.tsx'
import { plural, shortText } from '../text/visible-text.ts'
import { Link } from '../widgets/link.tsx'
import { messageOf } from '../widgets/notice.tsx'
import { Table } from '../widgets/table.tsx'

interface ActDialogProps {
  readonly title: string
  /** What the button says: what happens then. */
  readonly verb: string
  readonly isDangerous?: boolean
  /** The act; or, where something is still missing or wrong, what. */
  readonly actOf: () => Act | string
  readonly children?: ComponentChildren
  readonly onClose: () => void
  readonly onDone?: (outcomes: ActOutcomes) => void
}

/** One act: what is about to happen, a button that does it, and what became of each thing it was about. */
export function ActDialog(props: ActDialogProps): JSX.Element {
  const { api } = usePage()
  const dialog = useRef<HTMLDialogElement>(null)
  const [problem, setProblem] = useState<string>()
  const [isBusy, setBusy] = useState(false)
  const [outcomes, setOutcomes] = useState<ActOutcomes>()
  useEffect(() => {
    // The element that had the focus gets it back when the dialog closes: the browser sees to it.
    dialog.current?.showModal()
  }, [])

  const run = async (): Promise<void> => {
    const act = props.actOf()
    if (typeof act === 'string') {
      setProblem(act)
      return
    }
    setBusy(true)
    setProblem(undefined)
    try {
      const result = await api.act(act)
      setOutcomes(result)
      props.onDone?.(result)
    } catch (error) {
      setProblem(messageOf(error))
    }
    setBusy(false)
  }

  return (
    <dialog ref={dialog} class="act" aria-labelledby="act-title" onClose={props.onClose}>
      <form
        onSubmit={(event) => {
          event.preventDefault()
          void run()
        }}
      >
        <h2 id="act-title">{props.title}</h2>
        <div class="dialog-body">
          {outcomes === undefined ? props.children : <Outcomes outcomes={outcomes} />}
          {problem !== undefined && (
            <p class="is-bad" role="alert">
              {problem}
            </p>
          )}
        </div>
        <div class="dialog-foot">
          <button type="button" onClick={() => dialog.current?.close()}>
            {outcomes === undefined ? 'Not now' : 'Close'}
          </button>
          {outcomes === undefined && (
            <button type="submit" class={props.isDangerous === true ? 'danger' : 'primary'} disabled={isBusy}>
              {isBusy ? 'Working…' : props.verb}
            </button>
          )}
        </div>
      </form>
    </dialog>
  )
}

/** What became of an act: one line for each thing, those that failed first. */
function Outcomes({ outcomes: { outcomes, isMore } }: { readonly outcomes: ActOutcomes }): JSX.Element {
  const failed = outcomes.filter(({ isDone }) => !isDone)
  const done = outcomes.length - failed.length
  const shown = [...failed, ...outcomes.filter(({ isDone }) => isDone)].slice(0, 500)
  return (
    <div role="status">
      <p>
        {done > 0 && <b>{plural(done, 'done', 'done')}</b>}
        {done > 0 && failed.length > 0 && ', '}
        {failed.length > 0 && <b class="is-warning">{plural(failed.length, 'not done', 'not done')}</b>}
        {outcomes.length === 0 && 'Nothing matched, so nothing was done.'}
        {isMore === true && ' · There are more: do it again for the next ones.'}
      </p>
      {shown.length > 0 && (
        <div class="outcomes" tabIndex={0} role="group" aria-label="Outcomes">
          <Table columns={['What', 'Outcome']}>
            {shown.map(({ id, isDone, text, newId }, index) => (
              <tr key={index}>
                <td>
                  <Name text={id} class="id" />
                </td>
                <td>
                  <span class={isDone ? 'is-good' : 'is-warning'}>{isDone ? 'Done' : 'Not done'}</span>
                  {text !== undefined && <bdi> {shortText(text, 500)}</bdi>}
                  {newId !== undefined && (
                    <>
                      {' '}
                      <Link to={{ view: 'execution', id: newId }}>
                        Open <Name text={newId} class="id" />
                      </Link>
                    </>
                  )}
                </td>
              </tr>
            ))}
          </Table>
        </div>
      )}
      {outcomes.length > shown.length && (
        <p class="quiet">{plural(outcomes.length - shown.length, 'more line')} left out.</p>
      )}
    </div>
  )
}
