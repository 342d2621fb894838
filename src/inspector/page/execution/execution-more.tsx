import type { JSX } from 'preact'
import type { ExecutionView } from '../../protocol.ts'
import { Ago, Clock, Name, Status } from '../text/name.tsx'
import { hasEnded } from '../text/statuses.ts'
import { visibleText } from '../text/visible-text.ts'
import { Link } from '../widgets/link.tsx'
import { HistoryPart } from './history-part.tsx'
import { MailboxPart } from './mailbox-part.tsx'
import { Pair, Part } from './part.tsx'
import { ValueText } from './value-text.tsx'
import { Table } from '../widgets/table.tsx'

/** What is not of one step: inputs, output, mailbox, children, headers, what people did, and all that happened. */
export function ExecutionMore({ view }: { readonly view: ExecutionView }): JSX.Element {
  const headers = Object.entries(view.headers)
  return (
    <div class="more scroll" tabIndex={0} role="group" aria-label="Values and history">
      <Part title="Inputs">
        {view.inputs.length === 0 && <p class="quiet">It was started without inputs.</p>}
        {view.inputs.map((value) => (
          <ValueText key={value.type} id={view.id} value={value} address={{ of: 'input', type: value.type }} />
        ))}
      </Part>
      <Part title="Output">
        {view.output === undefined ? (
          <p class="quiet">
            {hasEnded(view.status) ? 'It ended without an output.' : 'It has not made its output yet.'}
          </p>
        ) : (
          <ValueText id={view.id} value={view.output} address={{ of: 'output' }} version={view.status} />
        )}
      </Part>
      <MailboxPart view={view} />
      <Part title="Times">
        <dl class="pairs">
          <Pair name="Created">
            <Clock at={view.createdAt} />
          </Pair>
          <Pair name="Started">
            <Clock at={view.startedAt} />
          </Pair>
          <Pair name="Ended">
            <Clock at={view.endedAt} />
          </Pair>
        </dl>
      </Part>
      {view.children.length > 0 && (
        <Part title="Children">
          <Table columns={['Execution', 'Graph → target', 'Status', 'Of step']}>
            {view.children.slice(0, 500).map(({ id, graph, target, status, step }) => (
              <tr key={id}>
                <td>
                  <Link to={{ view: 'execution', id }} class="id">
                    <Name text={id} />
                  </Link>
                </td>
                <td>
                  <Name text={graph} /> <span class="quiet">→</span> <Name text={target} class="quiet" />
                </td>
                <td>
                  <Status status={status} />
                </td>
                <td>{step !== undefined && <Name text={step} />}</td>
              </tr>
            ))}
          </Table>
        </Part>
      )}
      <Part title="What people did">
        {view.acts.length === 0 ? (
          <p class="quiet">Nobody has cancelled, retried, forked or signalled it.</p>
        ) : (
          <Table columns={['When', 'By', 'What', 'Note']}>
            {view.acts.map(({ at, by, act, note }, index) => (
              <tr key={index}>
                <td>
                  <Ago at={at} />
                </td>
                <td>
                  <Name text={by} />
                </td>
                <td>
                  <Name text={act} />
                </td>
                <td class="wrap">
                  <bdi>{note === undefined ? '' : visibleText(note.slice(0, 1_000))}</bdi>
                </td>
              </tr>
            ))}
          </Table>
        )}
      </Part>
      <HistoryPart view={view} />
      {headers.length > 0 && (
        <Part title="Headers">
          <dl class="pairs">
            {headers.map(([name, value]) => (
              <Pair key={name} name={visibleText(name.slice(0, 100))}>
                <Name text={value} class="code" />
              </Pair>
            ))}
          </dl>
        </Part>
      )}
    </div>
  )
}
