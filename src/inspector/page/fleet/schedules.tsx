import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import type { FleetView } from '../../fleet-protocol.ts'
import { ActDialog } from '../acts/act-dialog.tsx'
import { Ago, Name } from '../text/name.tsx'
import { isoOf } from '../text/time-text.ts'
import { Empty } from '../widgets/notice.tsx'
import { Card } from './card.tsx'
import type { PlannedAct } from './card.tsx'
import { WideTable } from '../widgets/table.tsx'

type Schedule = FleetView['schedules'][number]

/** What is started by the clock. */
export function Schedules({
  schedules,
  onAct,
  onDone,
}: {
  readonly schedules: readonly Schedule[]
  readonly onAct: ((planned: PlannedAct) => void) | undefined
  readonly onDone: () => void
}): JSX.Element {
  const [backfilled, setBackfilled] = useState<string>()
  return (
    <Card title="Schedules" count={schedules.length}>
      {schedules.length === 0 ? (
        <Empty title="Nothing is scheduled">
          <code>docket.schedule(…)</code> starts executions by the clock.
        </Empty>
      ) : (
        <WideTable
          label="Table of schedules"
          columns={[
            'Schedule',
            'Starts',
            'When',
            'State',
            'Last',
            'Next',
            ...(onAct === undefined ? [] : [{ title: 'Acts', isHidden: true }]),
          ]}
        >
          {schedules.map((schedule) => (
            <tr key={schedule.name}>
              <td>
                <Name text={schedule.name} />
              </td>
              <td>
                <Name text={schedule.graph} /> <span class="quiet">→</span>{' '}
                <Name text={schedule.target} class="quiet" />
              </td>
              <td>
                <Name text={schedule.cadence} class="code" />
              </td>
              <td>{schedule.isPaused ? <b class="is-warning">Paused</b> : 'On'}</td>
              <td>
                <Ago at={schedule.lastAt} />
              </td>
              <td>{schedule.isPaused ? <span class="quiet">–</span> : <Ago at={schedule.nextAt} />}</td>
              {onAct !== undefined && (
                <td class="row-acts">
                  <button type="button" onClick={() => onAct(triggerOf(schedule))}>
                    Trigger…
                  </button>
                  <button type="button" onClick={() => onAct(pauseOf(schedule))}>
                    {schedule.isPaused ? 'Resume…' : 'Pause…'}
                  </button>
                  <button type="button" onClick={() => setBackfilled(schedule.name)}>
                    Backfill…
                  </button>
                </td>
              )}
            </tr>
          ))}
        </WideTable>
      )}
      {backfilled !== undefined && (
        <BackfillDialog schedule={backfilled} onDone={onDone} onClose={() => setBackfilled(undefined)} />
      )}
    </Card>
  )
}

function triggerOf({ name }: Schedule): PlannedAct {
  return {
    title: `Trigger ${name.slice(0, 80)} now?`,
    verb: 'Trigger',
    text: 'One execution is started at once, besides those that its times bring.',
    act: { act: 'triggerSchedule', schedule: name },
  }
}

function pauseOf({ name, isPaused }: Schedule): PlannedAct {
  return isPaused
    ? {
        title: `Resume ${name.slice(0, 80)}?`,
        verb: 'Resume',
        text: 'It starts executions again, from its next time on.',
        act: { act: 'resumeSchedule', schedule: name },
      }
    : {
        title: `Pause ${name.slice(0, 80)}?`,
        verb: 'Pause',
        text: 'It starts nothing until it is resumed.',
        act: { act: 'pauseSchedule', schedule: name },
      }
}

function BackfillDialog({
  schedule,
  onDone,
  onClose,
}: {
  readonly schedule: string
  readonly onDone: () => void
  readonly onClose: () => void
}): JSX.Element {
  const [from, setFrom] = useState('')
  const [to, setTo] = useState('')
  return (
    <ActDialog
      title={`Backfill ${schedule.slice(0, 80)}`}
      verb="Backfill"
      actOf={() => {
        const [start, end] = [isoOf(from), isoOf(to)]
        if (start === undefined || end === undefined) return 'Choose both times.'
        if (start >= end) return 'The second time must be after the first.'
        return { act: 'backfillSchedule', schedule, from: start, to: end }
      }}
      onDone={onDone}
      onClose={onClose}
    >
      <p class="quiet">
        One execution is started for each of its times in between; those that were started already are not again.
      </p>
      <label>
        <span class="label">From</span>
        <input type="datetime-local" step={1} value={from} onInput={(event) => setFrom(event.currentTarget.value)} />
      </label>
      <label>
        <span class="label">Until</span>
        <input type="datetime-local" step={1} value={to} onInput={(event) => setTo(event.currentTarget.value)} />
      </label>
    </ActDialog>
  )
}
