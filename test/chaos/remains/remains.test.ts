import { describe, expect, test } from 'vitest'
import { placeMaker, storeKinds } from '../../processes/place.ts'
import { deathsOfEachKind } from './deaths.ts'
import { remainsOf } from './remains-run.ts'

const newPlace = await placeMaker()

// The long form is `npm run chaos -- --remains`.
describe.each(storeKinds)('on %s', (kind) => {
  test('of processes that are killed at every kind of moment nothing stays', { timeout: 240_000 }, async () => {
    const place = await newPlace(kind)
    const { left, missed } = await remainsOf(place, deathsOfEachKind)
    expect(left).toEqual([])
    // On a busy machine a process may be too late for its moment.
    expect(missed.length, missed.join()).toBeLessThan(4)
  })
})
