import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import type { FleetView } from '../../fleet-protocol.ts'
import { ActDialog } from '../acts/act-dialog.tsx'
import { usePage } from '../connection/page-context.ts'
import { useLoad } from '../connection/use-load.ts'
import { Ago, Name } from '../text/name.tsx'
import { durationText } from '../text/time-text.ts'
import { countText, visibleText } from '../text/visible-text.ts'
import { Link } from '../widgets/link.tsx'
import { Empty, Loading, Problem } from '../widgets/notice.tsx'
import { Card } from './card.tsx'
import type { PlannedAct } from './card.tsx'
import { Health } from './health.tsx'
import { Schedules } from './schedules.tsx'
import { WideTable } from '../widgets/table.tsx'

/** Everything that runs executions, and what stands ready for it. */
export function Fleet(): JSX.Element {
  const { api, about } = usePage()
  const { value: fleet, error, isLoading, reload } = useLoad('fleet', () => api.fleet(), 3_000)
  const [planned, setPlanned] = useState<PlannedAct>()
  if (isLoading) return <Loading what="the fleet" />
  return (
    <div class="scroll fleet">
      <h1 class="hidden">Fleet</h1>
      {error !== undefined && <Problem what="The fleet could not be read." error={error} onRetry={reload} />}
      {fleet !== undefined && (
        <>
          <Health fleet={fleet} store={about.store} />
          <Queues fleet={fleet} onAct={about.allowsActions ? setPlanned : undefined} />
          <Workers fleet={fleet} />
          <Schedules schedules={fleet.schedules} onAct={about.allowsActions ? setPlanned : undefined} onDone={reload} />
          <Incompatible fleet={fleet} />
          {!about.allowsActions && (
            <p class="quiet note">
              Read-only: queues and schedules can be paused and triggered where the inspector is created with{' '}
              <code>allowActions: true</code>.
            </p>
          )}
        </>
      )}
      {planned !== undefined && (
        <ActDialog
          title={planned.title}
          verb={planned.verb}
          actOf={() => planned.act}
          onDone={reload}
          onClose={() => setPlanned(undefined)}
        >
          <p>{planned.text}</p>
        </ActDialog>
      )}
    </div>
  )
}

type OnAct = ((planned: PlannedAct) => void) | undefined

function Queues({ fleet: { queues }, onAct }: { readonly fleet: FleetView; readonly onAct: OnAct }): JSX.Element {
  return (
    <Card title="Queues" count={queues.length}>
      {queues.length === 0 ? (
        <Empty title="No queue has anything in it" />
      ) : (
        <WideTable
          label="Table of queues"
          columns={[
            'Queue',
            'State',
            { title: 'Ready', isNumber: true },
            { title: 'Oldest', isNumber: true },
            { title: 'Running', isNumber: true },
            'Limits',
            ...(onAct === undefined ? [] : [{ title: 'Acts', isHidden: true }]),
          ]}
        >
          {queues.map(({ name, isPaused, ready, running, oldestReadyMs, limits }) => (
            <tr key={name}>
              <td>
                <Link to={{ view: 'executions', filter: { queue: name } }}>
                  <Name text={name} />
                </Link>
              </td>
              <td>{isPaused ? <b class="is-warning">Paused</b> : 'Open'}</td>
              <td class="is-number">{countText(ready)}</td>
              <td class="is-number">{oldestReadyMs === undefined ? '–' : durationText(oldestReadyMs)}</td>
              <td class="is-number">{countText(running)}</td>
              <td>{limits === undefined ? <span class="quiet">none</span> : <Name text={limits} />}</td>
              {onAct !== undefined && (
                <td class="is-number">
                  <button
                    type="button"
                    onClick={() =>
                      onAct(
                        isPaused
                          ? {
                              title: `Resume ${name.slice(0, 80)}?`,
                              verb: 'Resume',
                              text: 'Workers begin executions of this queue again.',
                              act: { act: 'resumeQueue', queue: name },
                            }
                          : {
                              title: `Pause ${name.slice(0, 80)}?`,
                              verb: 'Pause',
                              text: 'No worker begins executions of this queue any more; those that run go on.',
                              act: { act: 'pauseQueue', queue: name },
                            },
                      )
                    }
                  >
                    {isPaused ? 'Resume…' : 'Pause…'}
                  </button>
                </td>
              )}
            </tr>
          ))}
        </WideTable>
      )}
    </Card>
  )
}

function Workers({ fleet: { workers } }: { readonly fleet: FleetView }): JSX.Element {
  return (
    <Card title="Workers" count={workers.length}>
      {workers.length === 0 ? (
        <Empty title="No worker is known">
          Executions run in the process that starts them. Others are made by <code>{'createDocket({ work })'}</code>, or{' '}
          <code>docket worker</code>.
        </Empty>
      ) : (
        <WideTable
          label="Table of workers"
          columns={['Worker', 'Version', { title: 'Running', isNumber: true }, 'Slots', 'Started', 'Seen']}
        >
          {workers.map(({ id, name, version, running, queues, startedAt, seenAt }) => (
            <tr key={id}>
              <td>
                <Name text={name} /> <Name text={id} class="quiet id" />
              </td>
              <td>{version === undefined ? '–' : <Name text={version} />}</td>
              <td class="is-number">{running === undefined ? '–' : countText(running)}</td>
              <td>
                {Object.entries(queues).map(([queue, slots]) => (
                  <span key={queue} class="slot">
                    <Name text={queue} /> <b>{slots}</b>
                  </span>
                ))}
              </td>
              <td>
                <Ago at={startedAt} />
              </td>
              <td>
                <Ago at={seenAt} />
              </td>
            </tr>
          ))}
        </WideTable>
      )}
    </Card>
  )
}

function Incompatible({ fleet: { incompatible } }: { readonly fleet: FleetView }): JSX.Element | null {
  if (incompatible.length === 0) return null
  return (
    <Card title="Can’t go on here" count={incompatible.length}>
      <p class="quiet pad">
        Their records don’t fit the graphs of any process that is known: run a version that they fit, or add a
        migration.
      </p>
      <WideTable label="Table of executions that can’t go on here" columns={['Execution', 'Why']}>
        {incompatible.map(({ id, reasons }) => (
          <tr key={id}>
            <td>
              <Link to={{ view: 'execution', id }} class="id">
                <Name text={id} />
              </Link>
            </td>
            <td class="wrap">
              <bdi>{reasons.map(visibleText).join('; ').slice(0, 1_000)}</bdi>
            </td>
          </tr>
        ))}
      </WideTable>
    </Card>
  )
}
