import { expect, test } from 'vitest'
import { KeyedListeners } from '../../../src/runtime/collections/keyed-listeners.ts'

test('listeners are called for their own key, until they are taken off', () => {
  const heard: string[] = []
  const listeners = new KeyedListeners<number>()
  const endFirst = listeners.add('a', (given) => heard.push(`first ${given}`))
  const endSecond = listeners.add('a', (given) => heard.push(`second ${given}`))
  listeners.add('b', (given) => heard.push(`other ${given}`))
  listeners.call('a', 1)
  endFirst()
  listeners.call('a', 2)
  endSecond()
  endSecond()
  listeners.call('a', 3)
  listeners.call('b', 4)
  expect(heard).toEqual(['first 1', 'second 1', 'second 2', 'other 4'])
  expect([listeners.has('a'), listeners.has('b')]).toEqual([false, true])
})
