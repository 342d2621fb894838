import type { AnyActorRef } from 'xstate'
import { describe, expect, test } from 'vitest'
import { ExecutionCancelledError } from '../../src/index.ts'
import { rejectionOf } from '../loose-api.ts'
import { World } from './durable-time.ts'
import { door, line, Third } from './line.ts'

const inputs = { Seed: 1 }

/** An execution whose Second waits at a door. */
async function halfway() {
  const world = new World()
  const gate = door()
  const { line: graph } = line({ second: { run: () => gate.promise } })
  const docket = world.process({ graphs: [graph] })
  const handle = await docket.start(graph, Third, inputs, { id: 'a' })
  await world.clock.advance(10)
  return { world, gate, handle }
}

describe('a durable execution that is looked at late', () => {
  test('is an actor in the state that it is in, and goes on from there', async () => {
    const { world, gate, handle } = await halfway()
    const actor = handle.actor!
    expect(actor.id).toBe('a')
    expect(actor.getSnapshot()).toMatchObject({
      status: 'active',
      value: 'running',
      context: {
        settled: 1,
        total: 3,
        steps: { First: { status: 'completed' }, Second: { status: 'running' }, Third: { status: 'pending' } },
      },
    })
    expect(handle.actor).toBe(actor)
    const settled: number[] = []
    handle.subscribe(({ context }) => void settled.push(context.settled))
    gate.resolve(10)
    expect(await world.clock.settle(handle.result())).toBe(11)
    expect(settled.at(-1)).toBe(3)
    expect(actor.getSnapshot()).toMatchObject({ status: 'done', output: 11 })
  })

  test('shows its steps as actors, in the states that they are in', async () => {
    const { world, gate, handle } = await halfway()
    const { First, Second } = handle.getSnapshot()!.children
    expect([First!.getSnapshot().value, Second!.getSnapshot().value]).toEqual(['completed', 'running'])
    gate.resolve(10)
    await world.clock.settle(handle.result())
    expect(Second!.getSnapshot().value).toBe('completed')
  })

  test('shows an inspector what happens from then on', async () => {
    const { world, gate, handle } = await halfway()
    const seen = new Set<string>()
    handle.actor!.system.inspect(({ type, actorRef }) => {
      if (type === '@xstate.snapshot') seen.add((actorRef as AnyActorRef).id)
    })
    gate.resolve(10)
    await world.clock.settle(handle.result())
    expect([...seen].toSorted()).toEqual(['Second', 'Third', 'a'])
  })

  test('can be cancelled by stopping the actor', async () => {
    const { world, gate, handle } = await halfway()
    const outcome = rejectionOf(handle.result())
    handle.actor!.stop()
    gate.reject(new Error('stopped'))
    expect(await world.clock.settle(outcome)).toBeInstanceOf(ExecutionCancelledError)
    expect((await handle.details()).status).toBe('cancelled')
  })

  test('shows how it ended, and what became of every step, while a function of it still runs', async () => {
    const { world, gate, handle } = await halfway()
    const outcome = rejectionOf(handle.result())
    await handle.cancel()
    const error = await outcome
    expect(handle.actor!.getSnapshot()).toMatchObject({
      status: 'error',
      value: 'cancelled',
      error,
      context: {
        settled: 1,
        steps: { First: { status: 'completed' }, Second: { status: 'cancelled' }, Third: { status: 'cancelled' } },
      },
    })
    gate.resolve(10)
    await world.clock.advance(10)
    expect(handle.actor).toBeUndefined()
  })

  test('can be looked at as soon as it is about to go on, before it does', async () => {
    const world = new World()
    const { line: graph } = line({ second: { run: () => door().promise } })
    const { docket, die } = world.mortal({ graphs: [graph] })
    await docket.start(graph, Third, inputs, { id: 'a' })
    await world.clock.advance(10)
    die()
    let handle: Awaited<ReturnType<typeof docket.get>>
    const seen: unknown[] = []
    const { line: healthy } = line()
    const survivor = world.process({
      graphs: [healthy],
      observers: [({ type }) => void (type === 'execution.resumed' && seen.push(handle!.getSnapshot()))],
    })
    handle = await survivor.get('a')
    expect(await world.clock.settle(handle!.result())).toBe(4)
    expect(seen).toMatchObject([
      { status: 'active', context: { steps: { First: { status: 'completed' }, Third: { status: 'pending' } } } },
    ])
  })
})
