import { describe, expect, test } from 'vitest'
import { announcedIn, compilerMessages, fixtures } from './compiler-messages.ts'

const messages = compilerMessages()
const sources = fixtures()

describe.each([...sources])('%s', (name, source) => {
  test('compiles but for its mistakes, of which the compiler says what stands above them', () => {
    expect(announcedIn(source), 'npm run types:messages').toEqual(messages.get(name) ?? [])
  })
})

test('the compiler ran: there are more than a hundred mistakes', () => {
  expect([...messages.values()].flat().length).toBeGreaterThan(100)
})

test('no message needs more than five lines, none speaks of the insides of promises and iterators, and what is wrong stands in its first line', () => {
  const all = [...messages.values()].flat()
  expect(all.filter(({ text }) => text.split('\n').length > 5)).toEqual([])
  expect(all.filter(({ text }) => /onfulfilled|IteratorResult|^.*'~types'/.test(text))).toEqual([])
})
