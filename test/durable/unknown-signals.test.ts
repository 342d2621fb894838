import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { dataType, durableStep, ExecutionConflictError, graph, signal, step } from '../../src/index.ts'
import { rejectionOf } from '../loose-api.ts'
import { alteredStore } from './altered-store.ts'
import { World } from './durable-time.ts'
import { Approval, Order, orders, Shipment, inputs } from './parked-orders.ts'

const Other = dataType('Other', z.string())
const Never = dataType('Never', z.string())
const plain = step({ name: 'Plain', inputs: { order: Order }, output: Never, run: ({ order }) => order.id })

function endOf(world: World) {
  return world.events.findLast(({ type }) => type === 'execution.ended')
}

describe('a signal that no step of an execution waits for', () => {
  test('is an error in a docket without its graph, while it runs and while it is parked', async () => {
    const world = new World()
    const declared = orders([])
    const docket = world.process({ graphs: [declared] })
    await world.clock.settle(docket.start(declared, Shipment, inputs, { id: 'a' }))
    const other = world.process({ graphs: [], takeOver: false })
    const found = (await world.clock.settle(other.get('a')))!
    for (const pauseMs of [0, 20_000]) {
      await world.clock.advance(pauseMs)
      await expect(world.clock.settle(found.signal(Other, 'x'))).rejects.toThrow(
        'no step that execution "a" needs waits for a signal "Other"; it waits for: Approval',
      )
    }
    expect(await world.clock.settle(found.signal(Approval, { by: 'Ada' }))).toBe('accepted')
    expect(await world.clock.settle(found.result())).toBe('prepared o, for Ada')
    expect(endOf(world)).not.toHaveProperty('unread')
  })

  test('is an error where its graph waits for it, but nothing that the target needs', async () => {
    const world = new World()
    const wide = graph({ name: 'wide', steps: [plain, signal(Other), signal(Approval)] })
    const docket = world.process({ graphs: [wide] })
    const handle = await world.clock.settle(docket.start(wide, Approval, {}, { id: 'a' }))
    await expect(world.clock.settle(handle.signal(Other, 'x'))).rejects.toThrow('it waits for: Approval')
    const other = world.process({ graphs: [wide], takeOver: false })
    const found = (await world.clock.settle(other.get('a')))!
    await expect(world.clock.settle(found.signal(Other, 'x'))).rejects.toThrow('it waits for: Approval')
    const slow = Promise.withResolvers<string>()
    const none = graph({ name: 'none', steps: [step({ ...plainOptions, run: () => slow.promise }), signal(Other)] })
    const third = world.process({ graphs: [none] })
    const waiting = await world.clock.settle(third.start(none, Never, inputs, { id: 'b' }))
    await expect(world.clock.settle(waiting.signal(Other, 'x'))).rejects.toThrow('it waits for: none')
    slow.resolve('done')
    await world.clock.settle(waiting.result())
  })

  test('is refused where the execution has just been deleted: the next one under its id would not get it', async () => {
    const world = new World()
    const Note = dataType('Note', z.string())
    const Noted = dataType('Noted', z.string())
    const listening = durableStep({
      name: 'Listen',
      output: Noted,
      receives: [Note],
      run: async (_, ctx) => (await ctx.receive([Note])).value,
    })
    const notes = graph({ name: 'notes', steps: [listening] })
    const docket = world.process({ graphs: [notes] })
    await world.clock.settle(docket.start(notes, Noted, {}, { id: 'a' }))
    let isToBeDeleted = false
    const store = alteredStore(world.store, async (method, ask) => {
      if (method !== 'get' || !isToBeDeleted) return ask()
      isToBeDeleted = false
      await docket.delete('a')
      const answer: unknown = await ask()
      await docket.start(notes, Noted, {}, { id: 'a' })
      return answer
    })
    const other = world.process({ graphs: [], takeOver: false, store })
    const found = (await world.clock.settle(other.get('a')))!
    isToBeDeleted = true
    const refused = await world.clock.settle(rejectionOf(found.signal(Note, 'x')))
    expect(refused).toBeInstanceOf(ExecutionConflictError)
    expect(await world.clock.settle(found.signal(Note, 'y'))).toBe('accepted')
    expect(await world.clock.settle((await docket.get('a'))!.result())).toBe('y')
  })

  test('is named by the event of the end, where its execution waits for none', async () => {
    const world = new World()
    const slow = Promise.withResolvers<string>()
    const none = graph({ name: 'none', steps: [step({ ...plainOptions, run: () => slow.promise })] })
    const docket = world.process({ graphs: [none] })
    const handle = await world.clock.settle(docket.start(none, Never, inputs, { id: 'a' }))
    const other = world.process({ graphs: [], takeOver: false })
    const found = (await world.clock.settle(other.get('a')))!
    expect(await world.clock.settle(found.signal(Other, 'x'))).toBe('accepted')
    await world.clock.advance(1_000)
    slow.resolve('done')
    await world.clock.settle(handle.result())
    expect(endOf(world)).toMatchObject({ unread: ['Other'] })
  })

  test('is named by the event of the end, where it came too late for its race', async () => {
    const world = new World()
    const late = graph({
      name: 'late',
      steps: [
        step({ name: 'Wait', inputs: { order: Order }, output: Never, run: () => new Promise<string>(() => {}) }),
        signal(Approval, { inputs: { never: Never } }),
      ],
    })
    const docket = world.process({ graphs: [late] })
    const handle = await world.clock.settle(docket.start(late, Approval, inputs, { id: 'a' }))
    expect(await world.clock.settle(handle.signal(Approval, { by: 'Ada' }))).toBe('accepted')
    await world.clock.advance(1_000)
    await world.clock.settle(handle.cancel())
    expect(endOf(world)).toMatchObject({ status: 'cancelled', unread: ['Approval'] })
  })
})

const plainOptions = { name: 'Plain', inputs: { order: Order }, output: Never } as const
