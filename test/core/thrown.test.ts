import { inspect } from 'node:util'
import { expect, test, vi } from 'vitest'
import { describeThrown } from '../../src/core/thrown.ts'

const refuse = (): never => {
  throw new Error('no')
}

class Refusal {
  readonly status = 502
  readonly #secret = 'x'
  get secret(): string {
    return this.#secret
  }
}

test.each([
  [{ code: 42 }, '{ code: 42 }, which is no Error'],
  [{ error: { code: 42, deep: { deeper: 1 } } }, '{ error: { code: 42, deep: [Object] } }, which is no Error'],
  [[{ code: 42 }], '[ { code: 42 } ], which is no Error'],
  [{ text: 'two\nlines' }, "{ text: 'two\\nlines' }, which is no Error"],
  [
    Object.assign(Object.create(null) as object, { code: 42 }),
    '[Object: null prototype] { code: 42 }, which is no Error',
  ],
  [new Refusal(), 'Refusal { status: 502 }, which is no Error'],
  [{ message: 'it is closed', code: 42 }, 'it is closed'],
  [{ toString: () => 'a text of its own' }, 'a text of its own, which is no Error'],
  [7, '7, which is no Error'],
  [undefined, 'undefined, which is no Error'],
])('%o that was thrown is shown by what it has', (thrown, text) => {
  expect(describeThrown(thrown)).toBe(text)
})

test('objects that are big are shown in part, and on one line', () => {
  const many = Object.fromEntries(Array.from({ length: 1_000 }, (_, index) => [`key${index}`, index]))
  expect(describeThrown(many)).toBe('[object Object], which is no Error')
  expect(describeThrown({ code: 42, many })).toBe('{ code: 42, many: [Object] }, which is no Error')
  const texts = [
    { text: 'x'.repeat(1_000_000) },
    { list: Array.from({ length: 1_000_000 }, (_, index) => ({ index })) },
    { error: new Error('line\nline') },
  ].map((thrown) => describeThrown(thrown))
  for (const text of texts) {
    expect(text.length).toBeLessThan(400)
    expect(text).not.toContain('\n')
  }
})

test('hostile objects do no harm: no getter is called, and what throws is caught', () => {
  const get = vi.fn(() => 'read')
  const getter = Object.defineProperty({}, 'value', { get, enumerable: true })
  expect(describeThrown(getter)).toBe('{ value: [Getter] }, which is no Error')
  expect(get).not.toHaveBeenCalled()
  expect(describeThrown({ [inspect.custom]: refuse })).toBe('a value that has no text')
  expect(describeThrown({ toString: refuse })).toBe('a value that has no text')
  expect(describeThrown(new Proxy({}, { ownKeys: refuse, get: () => undefined }))).toBe('a value that has no text')
  expect(describeThrown(new Proxy({ code: 42 }, {}))).toBe('[object Object], which is no Error')
  const { proxy, revoke } = Proxy.revocable({}, {})
  revoke()
  expect(describeThrown(proxy)).toBe('a value that has no text')
  expect(describeThrown({ inner: proxy })).toMatch(/, which is no Error$/)
  const circle: Record<string, unknown> = {}
  circle['circle'] = circle
  expect(describeThrown(circle)).toBe('<ref *1> { circle: [Circular *1] }, which is no Error')
})
