import { initialTransition, setup, transition } from 'xstate'
import { expect, test } from 'vitest'
import { fromEffect } from '../../machines/index.ts'
import { subjects } from './subjects.ts'
import { waysToEveryState } from './walk.ts'

interface Counter {
  count: number
}

const add = fromEffect<Counter, { readonly by: number }>((context, event) => {
  context.count += event.by
})

const counter = setup({
  types: {} as { context: Counter; events: { type: 'ADD'; by: number } },
  actions: { add },
}).createMachine({ context: { count: 0 }, on: { ADD: { actions: 'add' } } })

test('an effect changes a copy in the real machine: the snapshot before it stays as it was', () => {
  const [before] = initialTransition(counter)
  const [after] = transition(counter, before, { type: 'ADD', by: 2 })
  expect(before.context.count).toBe(0)
  expect(after.context.count).toBe(2)
})

test('an effect can be read from the action, and changes the context it is given', () => {
  const context = { count: 1 }
  expect(counter.implementations.actions['add']).toBe(add)
  add.effect(context, { by: 2 } as never)
  expect(context.count).toBe(3)
})

// XState's types can't tell which events lead to a named action; this proxy can.
function strict<Event extends object>(event: Event): Event {
  return new Proxy(event, {
    get(target, key) {
      if (key === 'type' || !Object.hasOwn(target, key)) throw new Error(`an effect reads "${String(key)}"`)
      return Reflect.get(target, key) as unknown
    },
  })
}

test.each(subjects)(
  'an effect of the $name machine reads nothing but what its event brings, and not its type',
  (subject) => {
    const { compiled } = subject
    for (const way of waysToEveryState(subject)) {
      for (const event of subject.events) {
        const record = compiled.createRecord(subject.input)
        for (const earlier of [...way, event]) {
          compiled.transition(record, compiled.eventCode[earlier.type]!, strict(earlier))
        }
      }
    }
  },
)
