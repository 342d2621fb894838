import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { dataType } from '../../../src/index.ts'
import { MemoryInbox } from '../../../src/runtime/steps/inbox.ts'

const Word = dataType('Word', z.string())
const Count = dataType(
  'Count',
  z.number().transform((n) => n + 1),
)
const Slow = dataType(
  'Slow',
  z.string().refine(async (text) => (await Promise.resolve(), text !== 'bad')),
)

function inboxWith(...given: readonly (readonly [string, unknown])[]): MemoryInbox {
  const inbox = new MemoryInbox([Word, Count, Slow])
  for (const [type, value] of given) inbox.give(type, value)
  inbox.check()
  return inbox
}

describe('the inbox of a step', () => {
  test('gives messages in the order in which they came, over all types that are wanted; others stay', () => {
    const inbox = inboxWith(['Word', 'a'], ['Count', 1], ['Word', 'b'])
    const count = inbox.next(['Count'])
    expect(count).toMatchObject({ type: 'Count', value: 2 })
    count!.take()
    expect(inbox.next(['Count'])).toBeUndefined()
    const taken = [inbox.next(['Word', 'Count']), (inbox.next(['Word'])!.take(), inbox.next(['Word', 'Count']))]
    expect(taken.map((one) => one?.value)).toEqual(['a', 'b'])
    expect(inbox.unread).toMatchObject([{ type: 'Word', value: 'b' }])
  })

  test('keeps what was looked at and not taken, and takes a message once', () => {
    const inbox = inboxWith(['Word', 'a'], ['Word', 'b'])
    const first = inbox.next(['Word'])!
    expect(inbox.next(['Word'])?.value).toBe('a')
    first.take()
    first.take()
    expect(inbox.next(['Word'])?.value).toBe('b')
  })

  test('sets aside what does not fit, and hands nothing over before it was checked', async () => {
    const aside: string[] = []
    const inbox = new MemoryInbox([Word, Slow], { onSetAside: (type) => aside.push(type) })
    let calls = 0
    const stop = inbox.onMessage(() => calls++)
    for (const [type, value] of [
      ['Word', 1],
      ['Slow', 'bad'],
      ['Slow', 'good'],
      ['Word', 'a'],
    ] as const)
      // prettier-ignore
      inbox.give(type, value)
    expect(inbox.next(['Word'])).toBeUndefined()
    inbox.check()
    expect([inbox.next(['Slow']), inbox.next(['Word'])]).toEqual([undefined, undefined])
    await expect.poll(() => inbox.next(['Slow'])?.value).toBe('good')
    expect(inbox.next(['Word'])?.value).toBe('a')
    expect(aside).toEqual(['Word', 'Slow'])
    expect(calls).toBeGreaterThan(0)
    stop()
    const before = calls
    inbox.give('Word', 'c')
    inbox.check()
    expect(calls).toBe(before)
  })

  test('takes nothing of a type that no step receives', () => {
    const inbox = inboxWith()
    expect(inbox.give('Other', 1)).toBe(false)
  })

  test('looks through ten thousand messages in no time that grows with their square', () => {
    const inbox = inboxWith(...Array.from({ length: 10_000 }, (_, index) => ['Word', String(index)] as const))
    for (let taken = 0; taken < 10_000; taken++) inbox.next(['Word'])!.take()
    expect(inbox.unread).toEqual([])
  })
})
