import { expect, test } from 'vitest'
import { Overruled } from '../../src/durable/context/overruled.ts'

test('of what is overruled, however much there is, the newest thousand is remembered', () => {
  let now = 0
  const overruled = new Overruled({ elapsed: () => now })
  for (let at = 0; at < 1_500; at++) overruled.note(`queue ${at}`, `message ${at}`)
  expect(overruled.note('queue 500', 'message 500')).toBe(false)
  expect(overruled.messages()).toHaveLength(1_000)
  now = 60_001
  overruled.note('queue 1500', 'message 1500')
  expect(overruled.messages()).toEqual(['message 1500'])
  expect(overruled.note('queue 500', 'message 500')).toBe(false)
})
