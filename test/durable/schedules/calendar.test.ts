import { describe, expect, test } from 'vitest'
import { calendarOf } from '../../../src/durable/schedules/calendar.ts'
import type { Timing } from '../../../src/durable/schedules/calendar.ts'

/** The times of two days, as texts in UTC. */
function timesOf(timing: Timing, from: string, to: string): readonly string[] {
  const calendar = calendarOf(timing)
  const times: number[] = []
  const end = Date.parse(to)
  for (let next = calendar.next(Date.parse(from)); next !== undefined && next <= end; next = calendar.next(next))
    times.push(next)
  // From the other end they are the same.
  expect(calendar.last(times.length, end)).toEqual(times)
  return times.map((time) => new Date(time).toISOString().slice(5, 16))
}

const berlin = 'Europe/Berlin'

describe('where clocks are set', () => {
  test.each([
    ['on the day without 2:30, half past two comes at 3:00', '30 2 * * *', berlin, '03-29', ['03-29T01:00']],
    ['on that day, the quarters after two do not come at all', '*/15 2 * * *', berlin, '03-29', []],
    ['on the day with two of them, half past two comes at the first', '30 2 * * *', berlin, '10-25', ['10-25T00:30']],
    [
      'on that day, the half hours after two come four times',
      '*/30 2 * * *',
      berlin,
      '10-25',
      ['10-25T00:00', '10-25T00:30', '10-25T01:00', '10-25T01:30'],
    ],
  ])('%s', (_, cron, timeZone, day, expected) => {
    const midnight = Date.parse(`2026-${day}T00:00:00Z`) - (day === '03-29' ? 1 : 2) * 3_600_000
    const end = new Date(midnight + 20 * 3_600_000).toISOString()
    expect(timesOf({ cron, timeZone }, new Date(midnight - 1).toISOString(), end)).toEqual(expected)
  })

  test('a quarter past two comes at the end of a gap of half an hour', () => {
    const lordHowe = { cron: '15 2 * * *', timeZone: 'Australia/Lord_Howe' }
    expect(timesOf(lordHowe, '2026-10-03T00:00:00Z', '2026-10-05T00:00:00Z')).toEqual(['10-03T15:30', '10-04T15:15'])
  })

  test.each([
    ['2026-03-28T22:59:59.999Z', '2026-03-29T21:59:59Z', 23],
    ['2026-10-24T21:59:59.999Z', '2026-10-25T22:59:59Z', 25],
    ['2026-06-01T21:59:59.999Z', '2026-06-02T21:59:59Z', 24],
  ])('what comes hourly comes every real hour, from %s to %s', (from, to, count) => {
    expect(timesOf({ cron: '0 * * * *', timeZone: berlin }, from, to)).toHaveLength(count)
  })
})

test('of a day of the month and a day of the week either will do', () => {
  expect(timesOf({ cron: '0 0 13 * FRI' }, '2026-02-01T12:00:00Z', '2026-02-28T00:00:00Z')).toEqual([
    '02-06T00:00',
    '02-13T00:00',
    '02-20T00:00',
    '02-27T00:00',
  ])
})

test('a pattern without a time zone goes by UTC, wherever the process runs', () => {
  const before = process.env['TZ']
  process.env['TZ'] = 'Asia/Tokyo'
  try {
    expect(timesOf({ cron: '0 9 * * *' }, '2026-03-01T00:00:00Z', '2026-03-02T00:00:00Z')).toEqual(['03-01T09:00'])
  } finally {
    if (before === undefined) delete process.env['TZ']
    else process.env['TZ'] = before
  }
})

test('what comes every so often is aligned, to its beginning or to that of all time', () => {
  const everyMs = 40 * 60_000
  expect(timesOf({ everyMs }, '2026-03-01T00:00:00Z', '2026-03-01T02:00:00Z')).toEqual([
    '03-01T00:40',
    '03-01T01:20',
    '03-01T02:00',
  ])
  const startAt = Date.parse('2026-03-01T00:50:00Z')
  const endAt = Date.parse('2026-03-01T02:10:00Z')
  expect(timesOf({ everyMs, startAt, endAt }, '2026-03-01T00:00:00Z', '2026-03-01T02:10:00Z')).toEqual([
    '03-01T00:50',
    '03-01T01:30',
    '03-01T02:10',
  ])
  expect(calendarOf({ everyMs, endAt }).next(endAt)).toBeUndefined()
})

test('what comes but once comes once', () => {
  const at = Date.parse('2026-03-01T00:00:00Z')
  expect([at - 1, at, at + 1].map((after) => calendarOf({ at }).next(after))).toEqual([at, undefined, undefined])
})
