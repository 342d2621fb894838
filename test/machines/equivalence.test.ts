import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { seed, subjects, Twins } from './subjects.ts'
import { arrowsOf, simpleWays, waysToEveryState } from './walk.ts'

describe.each(subjects)('the compiled $name machine', (subject) => {
  test('equals the real one in every reachable state, and on the way there', () => {
    const ways = waysToEveryState(subject)
    expect(ways.length).toBeGreaterThan(subject.compiled.states.length)
    for (const way of ways) new Twins(subject).sendAll(way)
  })

  test('takes and refuses the same events in every reachable state; a refused one changes nothing', () => {
    for (const way of waysToEveryState(subject)) {
      const there = new Twins(subject).sendAll(way)
      for (const event of subject.events) there.copy().send(event)
    }
  })

  test('equals the real one on every way that enters no state twice', () => {
    for (const way of simpleWays(subject)) new Twins(subject).sendAll(way)
  })

  test('ignores an event that the machine does not know, as the real one does', () => {
    for (const way of waysToEveryState(subject)) {
      expect(new Twins(subject).sendAll(way).send({ type: 'NO_SUCH_EVENT' })).toBe(false)
    }
  })

  test(`equals the real one after any events in any order (seed ${seed})`, () => {
    const check = fc.property(fc.array(fc.constantFrom(...subject.events), { maxLength: 30 }), (events) => {
      new Twins(subject).sendAll(events)
    })
    fc.assert(check, { seed, numRuns: 1_000 })
  })

  test('is compared on every transition that the machine has', () => {
    const taken = new Set(
      arrowsOf(subject)
        .filter(({ from, event }) => from.can(event))
        .flatMap(({ from, event }) => subject.machine.getTransitionData(from, event)),
    )
    const all = Object.values(subject.machine.states).flatMap((state) => [...state.transitions.values()].flat())
    expect(all.filter((transition) => !taken.has(transition))).toEqual([])
  })

  test('has a record of the same shape as the context, and a number for the state', () => {
    const { context } = new Twins(subject).snapshot
    const record = subject.compiled.createRecord(subject.input)
    expect(record).toStrictEqual({ ...context, state: subject.compiled.initial })
  })

  test('numbers states and events as it names them', () => {
    const { states, stateCode, eventCode, initial } = subject.compiled
    expect(states.map((name) => stateCode[name])).toEqual(states.map((_, code) => code))
    expect(states).toEqual(Object.keys(subject.machine.states))
    expect(states[initial]).toBe('pending')
    expect(Object.keys(eventCode).sort()).toEqual([...subject.machine.events].sort())
    expect(new Set(Object.values(eventCode)).size).toBe(subject.machine.events.length)
  })
})
