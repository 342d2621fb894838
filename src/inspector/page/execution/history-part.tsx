import type { JSX } from 'preact'
import { useMemo } from 'preact/hooks'
import type { ExecutionView } from '../../protocol.ts'
import { Clock, Name, StatusShape } from '../text/name.tsx'
import { countText, visibleText } from '../text/visible-text.ts'
import { Table } from '../widgets/table.tsx'
import { historyOf } from './history.ts'
import { Part } from './part.tsx'

/** More would make the page slow, and nobody reads them one by one. */
const mostMoments = 200

/** What happened to an execution and its steps, the newest first. */
export function HistoryPart({ view }: { readonly view: ExecutionView }): JSX.Element {
  const moments = useMemo(() => historyOf(view), [view])
  return (
    <Part title="What happened, the newest first">
      <Table columns={['When', 'What', 'Error']}>
        {moments.slice(0, mostMoments).map(({ at, step, what, status, message }, index) => (
          <tr key={index}>
            <td>
              <Clock at={at} />
            </td>
            <td class="moment">
              <StatusShape status={status} /> {step === undefined ? 'The execution' : <Name text={step.step} />}
              {step?.item !== undefined && <Name text={step.item} class="quiet" />} {visibleText(what)}
            </td>
            <td class="wrap">
              <bdi>{message === undefined ? '' : visibleText(message.slice(0, 500))}</bdi>
            </td>
          </tr>
        ))}
      </Table>
      {moments.length > mostMoments && (
        <p class="quiet">and {countText(moments.length - mostMoments)} before: the timeline has all of them.</p>
      )}
    </Part>
  )
}
