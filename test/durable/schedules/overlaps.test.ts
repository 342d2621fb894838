import { describe, expect, test } from 'vitest'
import type { ScheduleOverlap } from '../../../src/index.ts'
import { createTestDocket } from '../../../src/testing/index.ts'
import { Approval, Approved, reportGraphs } from './reports.ts'

/** A docket with a schedule whose runs hang until they are approved. */
async function hanging(overlap: ScheduleOverlap, more: { readonly pauseOnFailure?: boolean } = {}) {
  const { approvals } = reportGraphs()
  const docket = createTestDocket({ graphs: [approvals], now: new Date('2026-03-01T00:00:00Z') })
  const declared = { graph: approvals, target: Approved, inputs: {}, every: '1h', overlap, ...more } as const
  await docket.schedule('s', declared)
  return {
    docket,
    approvals,
    approve: async (time: string) => {
      const handle = await docket.get(`s/2026-03-01T${time}:00.000Z`)
      await handle!.signal(Approval, 'yes')
    },
    runs: async () => {
      const { executions } = await docket.list({ limit: 1_000 })
      return executions.map(({ id, status }) => `${id.slice(13, 18)} ${status}`).toReversed()
    },
    skips: () => docket.events.of({ type: 'schedule.skipped' }).map(({ executionId }) => executionId.slice(13, 18)),
  }
}

describe('while a run of a schedule hangs', () => {
  test('with skip, each further one comes to nothing, and each is reported', async () => {
    const { docket, approve, runs, skips } = await hanging('skip')
    await docket.advance('3h30m')
    expect(await runs()).toEqual(['01:00 waiting'])
    expect(skips()).toEqual(['02:00', '03:00'])
    expect(docket.events.of({ type: 'schedule.skipped' })[0]).toMatchObject({
      schedule: 's',
      graph: 'approvals',
      nominalTime: Date.parse('2026-03-01T02:00:00Z'),
      runs: ['s/2026-03-01T01:00:00.000Z'],
    })
    await approve('01:00')
    await docket.advance('1h')
    expect(await runs()).toEqual(['01:00 completed', '04:00 waiting'])
    expect(await docket.schedules.get('s')).toMatchObject({ started: 2, skipped: 2 })
    await docket.close()
  })

  test.each(['skip', 'bufferOne', 'cancelOther'] as const)(
    'with %s, none begins beside it that comes once the schedule was paused and resumed',
    async (overlap) => {
      const { docket, runs } = await hanging(overlap)
      await docket.advance('1h30m')
      await docket.schedules.pause('s')
      await docket.schedules.resume('s')
      await docket.advance('1h')
      const other = overlap === 'cancelOther' ? ['01:00 cancelled', '02:00 waiting'] : ['01:00 waiting']
      expect(await runs()).toEqual(other)
      await docket.close()
    },
  )

  test('one that waited for its turn, and that another process has begun all the same, is in the way also once the schedule was paused', async () => {
    const { docket, approvals, approve, runs } = await hanging('bufferOne')
    await docket.advance('2h30m')
    // As a process would that knew of no other.
    await docket.start(approvals, Approved, {}, { id: 's/2026-03-01T02:00:00.000Z' })
    await docket.schedules.pause('s')
    await docket.schedules.resume('s')
    await approve('01:00')
    await docket.advance('1h')
    expect(await runs()).toEqual(['01:00 completed', '02:00 waiting'])
    await docket.close()
  })

  test('with bufferOne, one waits for its end, and those after it come to nothing', async () => {
    const { docket, approve, runs, skips } = await hanging('bufferOne')
    await docket.advance('4h30m')
    expect(await runs()).toEqual(['01:00 waiting'])
    expect(skips()).toEqual(['03:00', '04:00'])
    expect((await docket.schedules.get('s'))?.bufferedAt).toEqual(new Date('2026-03-01T02:00:00Z'))
    await approve('01:00')
    await docket.advance('20m')
    expect(await runs()).toEqual(['01:00 completed', '02:00 waiting'])
    await docket.close()
  })

  test('with cancelOther, it is cancelled, and the next one begins once it has ended', async () => {
    const { docket, runs, skips } = await hanging('cancelOther')
    await docket.advance('1h1m')
    expect(await runs()).toEqual(['01:00 waiting'])
    await docket.advance('1h')
    expect(await runs()).toEqual(['01:00 cancelled', '02:00 waiting'])
    await docket.advance('1h')
    expect(await runs()).toEqual(['01:00 cancelled', '02:00 cancelled', '03:00 waiting'])
    expect(skips()).toEqual([])
    await docket.close()
  })

  test('with allowAll, all run side by side', async () => {
    const { docket, runs } = await hanging('allowAll')
    await docket.advance('3h1m')
    expect(await runs()).toEqual(['01:00 waiting', '02:00 waiting', '03:00 waiting'])
    await docket.close()
  })
})

test('a run that was cancelled on purpose does not pause its schedule', async () => {
  const { docket, runs } = await hanging('allowAll', { pauseOnFailure: true })
  await docket.advance('1h1m')
  const handle = await docket.get('s/2026-03-01T01:00:00.000Z')
  await handle!.cancel()
  await docket.advance('1h')
  expect((await docket.schedules.get('s'))?.pausedAt).toBeUndefined()
  expect(await runs()).toEqual(['01:00 cancelled', '02:00 waiting'])
  await docket.close()
})
