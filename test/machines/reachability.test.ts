import { describe, expect, test } from 'vitest'
import { subjects } from './subjects.ts'
import { arrowsOf } from './walk.ts'

describe.each(subjects)('the $name machine', (subject) => {
  const arrows = arrowsOf(subject)
  const names = Object.keys(subject.machine.states)
  const finals = names.filter((name) => subject.machine.states[name]!.type === 'final')

  test('reaches every one of its states', () => {
    expect([...new Set(arrows.map(({ from }) => from.value))].sort()).toEqual([...names].sort())
  })

  test('can come to an end from every state: there are no dead ends', () => {
    const canEnd = new Set<unknown>(finals)
    for (let size = -1; size < canEnd.size;) {
      size = canEnd.size
      for (const { from, to } of arrows) if (canEnd.has(to.value)) canEnd.add(from.value)
    }
    expect(names.filter((name) => !canEnd.has(name))).toEqual([])
  })

  test('takes no event after its end, and XState sees that it is done', () => {
    for (const { from, to } of arrows) {
      expect(from.status).toBe(finals.includes(from.value as string) ? 'done' : 'active')
      if (from.status === 'done') expect(to.value).toBe(from.value)
    }
    for (const name of finals) expect(subject.machine.states[name]!.ownEvents).toEqual([])
  })

  test('can be cancelled in every state but the ends', () => {
    for (const { from, event, to } of arrows) {
      if (event.type === 'CANCEL' && from.status === 'active') expect(to.value).toBe('cancelled')
    }
  })

  test('has an end time exactly if it has ended, and an error whenever it failed, was cancelled or goes on elsewhere', () => {
    for (const { to } of arrows) {
      expect(to.context.endedAt !== undefined).toBe(to.status === 'done' && to.value !== 'released')
      if (['failed', 'cancelled', 'released'].includes(to.value as string)) expect(to.context.error).toBeDefined()
      if (to.value === 'cached') expect(to.context.error).toBeUndefined()
    }
  })

  test('keeps its definition small: it is sent to inspectors with every actor', () => {
    expect(JSON.stringify(subject.machine.config).length).toBeLessThan(2_500)
  })
})
