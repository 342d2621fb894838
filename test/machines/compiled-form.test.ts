import { expect, test } from 'vitest'
// #region compiled form
import { compiledStep, stepMachine } from 'docket/machines'
import { createActor } from 'xstate'

const { eventCode, states } = compiledStep
const record = compiledStep.createRecord({ step: 'FetchProfile' })

const hasStarted = compiledStep.transition(record, eventCode.START, { type: 'START', attempt: 1, at: 10 }) // true
const status = states[record.state] // 'running'
const wasSkipped = compiledStep.transition(record, eventCode.SKIP, { type: 'SKIP', error: undefined, at: 20 }) // false: nothing has changed

const snapshot = compiledStep.snapshotOf(record)
const actor = createActor(stepMachine, { snapshot, input: { step: 'FetchProfile' } }).start() // a real one, running
// #endregion

test("the README's example does what its comments say", () => {
  expect({ hasStarted, status, wasSkipped }).toEqual({ hasStarted: true, status: 'running', wasSkipped: false })
  expect(actor.getSnapshot().value).toBe('running')
})

test("an event with another event's code does not compile", () => {
  const fresh = compiledStep.createRecord({ step: 'FetchProfile' })
  // @ts-expect-error -- SKIP has no attempt
  compiledStep.transition(fresh, eventCode.SKIP, { type: 'START', attempt: 1, at: 10 })
  // @ts-expect-error -- the step machine knows no such event
  expect(compiledStep.transition(fresh, eventCode.DANCE, { type: 'DANCE' })).toBe(false)
})
