import { createActor, toPromise } from 'xstate'
import type { AnyActorRef, Snapshot } from 'xstate'
import { describe, expect, test } from 'vitest'
import { DocketClosedError, fromGraph, SerializationError } from '../../src/index.ts'
import { Inspected } from '../inspector/inspected.ts'
import { expectNoUnhandledErrors, rejectionOf } from '../loose-api.ts'
import { World } from './durable-time.ts'
import { door, line, Third } from './line.ts'

expectNoUnhandledErrors()

const input = { Seed: 1 }

/** A process that runs executions whose Second waits for ever, and one that brings them to their end. */
function twoProcesses(inspected?: Inspected) {
  const world = new World()
  const { line: graph } = line({ second: { run: () => door().promise } })
  const leaving = world.mortal({ graphs: [graph], ...(inspected !== undefined && { inspect: inspected.inspect }) })
  const { line: healthy, runs } = line({ second: { run: (value) => value * 100 } })
  const staying = (): ReturnType<World['process']> => world.process({ graphs: [healthy] })
  return { world, graph, leaving: leaving.docket, die: leaving.die, staying, healthy, runs }
}

/** All that a snapshot says of how its execution came to an end here. */
function lastOf(actor: AnyActorRef): object {
  const { status, value, context, error } = actor.getSnapshot()
  return { status, value, endedAt: context.endedAt, code: error?.code }
}

const released = (code: string): object => ({ status: 'error', value: 'released', endedAt: undefined, code })

/** The snapshot of an actor whose docket was closed before its execution had ended. */
async function releasedSnapshot() {
  const processes = twoProcesses()
  const { world, graph, leaving } = processes
  const actor = createActor(leaving.logic(graph, Third, { id: 'a' }), { input })
  const outcome = rejectionOf(toPromise(actor))
  actor.start()
  await world.clock.advance(10)
  await world.clock.settle(leaving.close({ deadline: 0 }))
  await world.clock.settle(outcome)
  const snapshot = JSON.parse(JSON.stringify(actor.getPersistedSnapshot())) as Snapshot<unknown>
  return { ...processes, snapshot }
}

describe('an execution that goes on elsewhere is released, and has not ended, to', () => {
  test.each([
    ['closed', 'close', 'DOCKET_CLOSED'],
    ['cut off for longer than its lease', 'lease-lost', 'LEASE_LOST'],
    ['asked to detach it', 'detach', 'EXECUTION_CANCELLED'],
  ] as const)('the actor and the events of a process that is %s', async (_, cause, code) => {
    const { world, graph, leaving, die } = twoProcesses()
    const handle = await leaving.start(graph, Third, input, { id: 'a' })
    const result = rejectionOf(handle.result())
    await world.clock.advance(10)
    const actor = handle.actor!
    if (cause === 'close') await world.clock.settle(leaving.close({ deadline: 0 }))
    else if (cause === 'detach') await world.clock.settle(handle.detach())
    else {
      die()
      await world.clock.advance(20_000)
    }
    expect(lastOf(actor)).toEqual(released(code))
    expect(world.events.at(-1)).toMatchObject({ type: 'execution.released', cause })
    expect(actor.getSnapshot().context.steps['Second']).toMatchObject({ status: 'cancelled' })
    if (cause !== 'lease-lost') await world.clock.settle(result)
  })

  test('the actor of durable logic whose docket is closed', async () => {
    const { world, graph, leaving } = twoProcesses()
    const actor = createActor(leaving.logic(graph, Third, { id: 'a' }), { input })
    const outcome = rejectionOf(toPromise(actor))
    actor.start()
    await world.clock.advance(10)
    await world.clock.settle(leaving.close({ deadline: 0 }))
    expect(await world.clock.settle(outcome)).toBeInstanceOf(DocketClosedError)
    expect(lastOf(actor)).toEqual(released('DOCKET_CLOSED'))
  })

  test('an inspector, a batch and its items too', async () => {
    const inspected = new Inspected()
    const { world, graph, leaving } = twoProcesses(inspected)
    const batch = await leaving.startBatch(graph, Third, [input], { id: 'b', key: () => 'one' })
    const result = rejectionOf(batch.result())
    await leaving.start(graph, Third, input, { id: 'a' })
    await world.clock.advance(10)
    await world.clock.settle(leaving.close({ deadline: 0 }))
    await world.clock.settle(result)
    for (const id of ['a', 'b', 'one']) expect(inspected.statesOf(id)).toEqual(['pending', 'running', 'released'])
  })
})

describe('the persisted snapshot of a released actor', () => {
  test('gives an actor that follows the execution to its end', async () => {
    const { world, healthy, staying, runs, snapshot } = await releasedSnapshot()
    const logic = staying().logic(healthy, Third, { id: 'a' })
    const actor = createActor(logic, { input, snapshot: snapshot as never }).start()
    expect(await world.clock.settle(toPromise(actor))).toBe(201)
    expect(runs).toEqual(['Second', 'Third'])
  })

  test('is refused by logic that is not durable: a docket goes on with the execution', async () => {
    const { healthy, snapshot } = await releasedSnapshot()
    const actor = createActor(fromGraph(healthy, Third), { input, snapshot: snapshot as never })
    const outcome = rejectionOf(toPromise(actor))
    actor.start()
    expect(await outcome).toBeInstanceOf(SerializationError)
  })
})

test('an actor of durable logic whose docket is closed already has failed: nothing was begun', async () => {
  const { world, graph, leaving } = twoProcesses()
  await leaving.close()
  const actor = createActor(leaving.logic(graph, Third, { id: 'a' }), { input })
  const outcome = rejectionOf(toPromise(actor))
  actor.start()
  expect(await world.clock.settle(outcome)).toBeInstanceOf(DocketClosedError)
  expect(actor.getSnapshot()).toMatchObject({ status: 'error', value: 'failed' })
})
