import { describe, expect, test } from 'vitest'
import { createActor, toPromise } from 'xstate'
import { execute, fromGraph, signalEvent } from '../../../src/index.ts'
import { VirtualTime } from '../virtual-time.ts'
import { Close, houses, Knock, Report } from './door.ts'

describe('a machine as a step', () => {
  test('gets what comes as events, in the order in which it came, and makes its output the step’s value', async () => {
    const clock = new VirtualTime()
    const actor = createActor(fromGraph(houses, Report), { input: { House: 'Elm' }, clock }).start()
    await clock.advance(10)
    expect(actor.getSnapshot().value).toBe('waiting')
    actor.send(signalEvent(Knock, { by: 'Ada' }))
    actor.send(signalEvent(Knock, { by: 'Bob' }))
    await clock.advance(10)
    actor.send(signalEvent(Close, false))
    actor.send(signalEvent(Close, true))
    expect(await clock.settle(toPromise(actor))).toBe('Elm: missed Bob, hello Ada')
  })

  test('gets what is given with the call', async () => {
    const signals = { Knock: [{ by: 'Ada' }], Close: [true] }
    expect(await execute(houses, Report, { House: 'Elm' }, { signals })).toBe('Elm: ')
  })

  test('ends by its own timers, on the clock of the execution', async () => {
    const clock = new VirtualTime()
    const result = execute(houses, Report, { House: 'Elm' }, { clock })
    expect(await clock.settle(result)).toBe('Elm: ')
    expect(clock.now()).toBeGreaterThanOrEqual(86_400_000)
  })
})
