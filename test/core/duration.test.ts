import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { durationMs, durationText } from '../../src/core/duration.ts'

const seed = Number(process.env['SEED'] ?? Date.now() % 2 ** 31)

describe('a duration', () => {
  test.each<readonly [unknown, number]>([
    [0, 0],
    [250, 250],
    [1.5, 1.5],
    ['250ms', 250],
    ['30s', 30_000],
    ['5m', 300_000],
    ['1.5h', 5_400_000],
    ['7d', 604_800_000],
    ['2w', 1_209_600_000],
    ['1h30m', 5_400_000],
    ['1h 30m', 5_400_000],
    ['1m1s1ms', 61_001],
    ['0s', 0],
    ['250', 250],
    [' 5s ', 5_000],
  ])('%j is %d ms', (duration, ms) => {
    expect(durationMs(duration)).toBe(ms)
  })

  test.each([
    [-1],
    [Number.NaN],
    [Infinity],
    [-Infinity],
    [10n],
    [''],
    [' '],
    ['s'],
    ['soon'],
    ['-5s'],
    ['5 s'],
    ['5S'],
    ['5sec'],
    ['1e3'],
    ['.5s'],
    ['5.s'],
    ['1h30'],
    ['1h,30m'],
    ['NaN'],
    ['Infinity'],
    ['9'.repeat(400)],
    [`${'9'.repeat(400)}s`],
    [null],
    [undefined],
    [true],
    [{}],
    [[5]],
    [() => 5],
    [Symbol('5s')],
    [new Date(5)],
  ])('%s is none (%#)', (duration) => {
    expect(durationMs(duration)).toBeUndefined()
  })

  test(`whatever the text, it is a finite number of at least 0 or none (seed ${seed})`, () => {
    const parts = fc.constantFrom('1', '0', '.', '-', ' ', 'ms', 's', 'm', 'h', 'd', 'w', 'e', '∞')
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.array(parts).map((texts) => texts.join('')),
        ),
        (text) => {
          const ms = durationMs(text)
          expect(ms === undefined || (ms >= 0 && Number.isFinite(ms))).toBe(true)
        },
      ),
      { seed },
    )
  })

  test(`is written as a text that is read as it (seed ${seed})`, () => {
    expect([0, 1, 60_000, 3_600_000, 5_400_001, 30 * 86_400_000].map(durationText)).toEqual([
      '0ms',
      '1ms',
      '1m',
      '1h',
      '1h30m1ms',
      '30d',
    ])
    fc.assert(
      fc.property(fc.nat(), (ms) => durationMs(durationText(ms)) === ms),
      { seed },
    )
  })

  test('of a text of many parts that fits almost is refused in no time', () => {
    expect(durationMs(`${'1s'.repeat(20_000)}!`)).toBeUndefined()
  })
})
