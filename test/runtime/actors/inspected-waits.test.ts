import { expect, test } from 'vitest'
import { createActor } from 'xstate'
import { dataType, fromGraph, graph, race, signal, signalEvent, step, timer, type } from '../../../src/index.ts'
import { VirtualTime } from '../virtual-time.ts'

const Approval = dataType('Approval', type<string>())
const Expiry = dataType('Expiry', type<{ readonly dueAt: Date }>())
const Seat = dataType('Seat', type<string>())
const Decision = dataType('Decision', type<string>())
const hour = 3_600_000

const graphOf = (pay: () => string) =>
  graph({
    name: 'seats',
    steps: [
      step({ name: 'Reserve', output: Seat, inputs: {}, run: () => 'seat 7', compensate: { run: () => {}, wait: 0 } }),
      signal(Approval, { inputs: { seat: Seat }, timeout: '2h' }),
      timer({ name: 'Expire', output: Expiry, after: '1h' }),
      race({ name: 'Decide', inputs: { approval: Approval, expiry: Expiry }, output: Decision, run: pay }),
    ],
  })

test('an inspector sees which steps wait, for what, and until when, and that the execution waits and is undone', async () => {
  const clock = new VirtualTime()
  const startedAt = clock.now()
  const seen: { readonly id: string; readonly value: unknown; readonly dueAt: number | undefined }[] = []
  const actor = createActor(
    fromGraph(
      graphOf(() => {
        throw new Error('no credit')
      }),
      Decision,
    ),
    {
      id: 'seats',
      input: {},
      clock,
      inspect: (event) => {
        if (event.type !== '@xstate.snapshot') return
        const { value, context } = event.snapshot as unknown as { value: unknown; context?: { dueAt?: number } }
        seen.push({ id: (event.actorRef as { readonly id?: string }).id ?? '', value, dueAt: context?.dueAt })
      },
    },
  )
  actor.subscribe({ error: () => {} })
  actor.start()
  await clock.advance(1_000)
  const last = (id: string) => seen.findLast((one) => one.id === id)
  expect(last('Approval')).toEqual({ id: 'Approval', value: 'waiting', dueAt: startedAt + 2 * hour })
  expect(last('Expire')).toEqual({ id: 'Expire', value: 'waiting', dueAt: startedAt + hour })
  expect(last('Decide')).toMatchObject({ value: 'pending' })
  expect(last('seats')).toMatchObject({ value: 'waiting' })
  actor.send(signalEvent(Approval, 'Ada'))
  await clock.advance(1_000)
  expect(last('Approval')).toMatchObject({ value: 'completed', dueAt: undefined })
  expect(last('Expire')).toMatchObject({ value: 'cancelled', dueAt: undefined })
  const states = seen.filter(({ id }) => id === 'seats').map(({ value }) => value)
  expect(states.filter((value, index) => value !== states[index - 1])).toEqual([
    'pending',
    'running',
    'waiting',
    'running',
    'compensating',
    'failed',
  ])
})
