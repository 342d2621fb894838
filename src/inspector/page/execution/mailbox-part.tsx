import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import type { ExecutionView, MessageView } from '../../protocol.ts'
import { usePage } from '../connection/page-context.ts'
import { useLoad } from '../connection/use-load.ts'
import { Ago, Name } from '../text/name.tsx'
import { hasEnded } from '../text/statuses.ts'
import { sizeText } from '../text/visible-text.ts'
import { messageOf } from '../widgets/notice.tsx'
import { WideTable } from '../widgets/table.tsx'
import { Part } from './part.tsx'
import { ValueText } from './value-text.tsx'

const columns = ['Message', 'Brings', { title: 'Size', isNumber: true }, 'Sent', 'Id']

/** What was sent to an execution and is not taken yet, a page at a time. */
export function MailboxPart({ view: { id, status } }: { readonly view: ExecutionView }): JSX.Element {
  const { api } = usePage()
  const [after, setAfter] = useState<string>()
  const key = JSON.stringify([id, status, after])
  const { value, error, isLoading } = useLoad(key, () => api.mailbox(id, after), hasEnded(status) ? undefined : 2_000)
  return (
    <Part title="Mailbox">
      {isLoading && <p class="quiet">Loading…</p>}
      {error !== undefined && (
        <p class="is-bad" role="alert">
          {messageOf(error)}
        </p>
      )}
      {value?.messages.length === 0 && (
        <p class="quiet">
          {after === undefined ? 'Nothing was sent to it that is not taken.' : 'There is nothing behind that.'}
        </p>
      )}
      {value !== undefined && value.messages.length > 0 && (
        <WideTable class="messages" label="Mailbox" columns={columns}>
          {value.messages.map((message) => (
            <Row key={message.seq} id={id} message={message} />
          ))}
        </WideTable>
      )}
      <p class="pages">
        {after !== undefined && (
          <button type="button" onClick={() => setAfter(undefined)}>
            The first ones
          </button>
        )}
        {value?.next !== undefined && (
          <button type="button" onClick={() => setAfter(value.next)}>
            Later ones
          </button>
        )}
      </p>
    </Part>
  )
}

function Row({ id, message }: { readonly id: string; readonly message: MessageView }): JSX.Element {
  const { seq, kind, type, item, id: sentId, at, bytes, isSensitive } = message
  return (
    <tr>
      <td>
        <Name text={kind} />
        {item !== undefined && <span class="quiet"> for item {item}</span>}
      </td>
      <td>
        {bytes === 0 ? (
          <span class="quiet">{type === undefined ? 'nothing' : <Name text={type} class="code" />}</span>
        ) : (
          <ValueText id={id} value={{ type: type ?? 'value', isSensitive }} address={{ of: 'message', seq }} />
        )}
      </td>
      <td class="is-number">{bytes > 0 && sizeText(bytes)}</td>
      <td>
        <Ago at={at} />
      </td>
      <td>{sentId !== undefined && <Name text={sentId} class="id" />}</td>
    </tr>
  )
}
