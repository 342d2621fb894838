import { describe, expect, test } from 'vitest'
import { setup } from 'xstate'
import { z } from 'zod'
import {
  dataType,
  execute,
  fromGraph,
  graph,
  InputError,
  machineStep,
  signal,
  untypedGraph,
} from '../../../src/index.ts'
import { createActor, toPromise } from 'xstate'
import { VirtualTime } from '../virtual-time.ts'
import { Close, door, House, houses, Knock, Report, Visits } from './door.ts'

const Other = dataType('Other', z.number())
const looseMachine = setup({}).createMachine({ initial: 'a', states: { a: { type: 'final' } } })
const loose = { name: 'Loose', machine: looseMachine, output: Other }

function problemsOf(...steps: readonly unknown[]): string {
  try {
    untypedGraph({ name: 'g', steps: steps as never })
  } catch (error) {
    return (error as Error).message
  }
  return ''
}

const call = (signals: object) => execute(houses, Report, { House: 'Elm' }, { signals } as never)

describe('a graph refuses', () => {
  test('a type that two steps receive', () => {
    expect(problemsOf(door, machineStep({ ...loose, events: { KNOCK: Knock } as never }))).toContain(
      'two steps receive "Knock": "Door" and "Loose"',
    )
  })

  test('a type that is a signal and is received, or that a step makes and another receives', () => {
    expect(problemsOf(door, signal(Knock))).toContain('step "Door" receives "Knock", which is a signal of this graph')
    expect(problemsOf(door, machineStep({ ...loose, output: Close } as never))).toContain(
      'step "Door" receives "Close", which step "Loose" produces',
    )
  })

  test('a type that a step receives under two events, and what is no type', () => {
    const twice = machineStep({ ...loose, events: { A: Knock, B: Knock } as never })
    expect(problemsOf(twice)).toContain('its event "A" and its event "B" are both "Knock"')
    expect(problemsOf(machineStep({ ...loose, events: { A: 'Knock' } as never }))).toContain(
      'its event "A" is not a data',
    )
    expect(problemsOf(machineStep({ ...loose, events: 'Knock' as never }))).toContain('events must be an object')
  })

  test('another shape of a type that is received', () => {
    const Knock = dataType('Knock', z.number())
    expect(problemsOf(door, signal(dataType('Fine', z.string()), { inputs: { knock: Knock } }))).toContain(
      'two data types are named "Knock" but have different schemas',
    )
  })

  test('what is no machine, and options that a machine has no use for', () => {
    expect(problemsOf(machineStep({ ...loose, machine: {} } as never))).toContain(
      'its machine must be an XState machine',
    )
    expect(problemsOf(machineStep({ ...loose, input: 1 as never }))).toContain('input must be a function')
    for (const option of ['retry', 'persist', 'concurrency'])
      expect(problemsOf(machineStep({ ...loose, [option]: 1 } as never))).toContain(`option "${option}"`)
  })
})

describe('values for what steps receive', () => {
  test('are arrays, and each is checked before anything begins', async () => {
    await expect(call({ Knock: { by: 'Ada' } })).rejects.toThrow('give an array of values')
    await expect(call({ Knock: [{ by: 'Ada' }, { by: 1 }] })).rejects.toThrow(InputError)
    await expect(call({ Nock: [] })).rejects.toThrow('did you mean "Knock"')
  })

  test('that come while it runs and don’t fit are set aside', async () => {
    const clock = new VirtualTime()
    const actor = createActor(fromGraph(houses, Visits), { input: { House: 'Elm' }, clock }).start()
    actor.send({ type: 'docket.signal', signal: 'Knock', value: 7 } as never)
    actor.send({ type: 'docket.signal', signal: 'Close', value: true } as never)
    expect(await clock.settle(toPromise(actor))).toEqual({ house: 'Elm', guests: [] })
  })

  test('of a machine step are no leaves of its graph', () => {
    expect(graph({ name: 'one', steps: [door] }).leaves()).toEqual([House])
  })
})
