import { createActor, setup, toPromise } from 'xstate'
import { describe, expect, test } from 'vitest'
import { ExecutionCancelledError, ExecutionConflictError, fromGraph, InputError } from '../../src/index.ts'
import { rejectionOf } from '../loose-api.ts'
import { World } from './durable-time.ts'
import { door, line, Third } from './line.ts'

const input = { Seed: 1 }

/** A function that ends when its signal says so. */
function untilAborted(_: number, { signal }: { readonly signal: AbortSignal }): Promise<number> {
  return new Promise((_resolve, reject) =>
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true }),
  )
}

describe('durable logic', () => {
  test('makes actors that give the execution’s value', async () => {
    const world = new World()
    const { line: graph } = line()
    const docket = world.process({ graphs: [graph] })
    const actor = createActor(docket.logic(graph, Third, { id: 'a' }), { input }).start()
    expect(await world.clock.settle(toPromise(actor))).toBe(4)
    expect(actor.getSnapshot()).toMatchObject({ status: 'done', output: 4 })
    expect((await docket.list()).executions).toMatchObject([{ id: 'a', status: 'completed' }])
  })

  test('names the execution by its input', async () => {
    const world = new World()
    const { line: graph } = line()
    const docket = world.process({ graphs: [graph] })
    const logic = docket.logic(graph, Third, { id: ({ Seed }) => `seed-${Seed}` })
    await world.clock.settle(toPromise(createActor(logic, { input }).start()))
    expect((await docket.get('seed-1'))?.id).toBe('seed-1')
  })

  test('can be invoked by a machine', async () => {
    const world = new World()
    const { line: graph } = line()
    const docket = world.process({ graphs: [graph] })
    const machine = setup({ actors: { count: docket.logic(graph, Third, { id: 'a' }) } }).createMachine({
      initial: 'counting',
      context: {},
      states: {
        counting: { invoke: { src: 'count', input, onDone: { target: 'counted', actions: [] }, onError: 'failed' } },
        counted: { type: 'final' },
        failed: {},
      },
      output: ({ event }) => (event as { output?: unknown }).output,
    })
    const actor = createActor(machine).start()
    await world.clock.settle(toPromise(actor))
    expect(actor.getSnapshot().value).toBe('counted')
  })

  test('rejects with the error of an execution that failed', async () => {
    const world = new World()
    const { line: graph } = line({
      second: {
        run: () => {
          throw new Error('out of paper')
        },
      },
    })
    const docket = world.process({ graphs: [graph] })
    const actor = createActor(docket.logic(graph, Third, { id: 'a' }), { input })
    const outcome = rejectionOf(toPromise(actor))
    actor.start()
    expect(String(await world.clock.settle(outcome))).toContain('out of paper')
    expect((await docket.list()).executions).toMatchObject([{ id: 'a', status: 'failed' }])
  })

  test('cancels the execution when the actor is stopped', async () => {
    const world = new World()
    const { line: graph } = line({ second: { run: untilAborted } })
    const docket = world.process({ graphs: [graph] })
    const actor = createActor(docket.logic(graph, Third, { id: 'a' }), { input }).start()
    await world.clock.advance(10)
    expect((await docket.list()).executions).toMatchObject([{ status: 'running' }])
    actor.stop()
    await world.clock.advance(10)
    expect((await docket.list()).executions).toMatchObject([{ id: 'a', status: 'cancelled' }])
  })

  test('lets nothing begin when the actor is stopped before the execution is written down', async () => {
    const world = new World()
    const { line: graph, runs } = line({ second: { run: untilAborted } })
    const docket = world.process({ graphs: [graph] })
    const actor = createActor(docket.logic(graph, Third, { id: 'a' }), { input }).start()
    actor.stop()
    await world.clock.advance(1_000)
    expect(runs).not.toContain('Second')
    expect((await docket.list({ status: ['pending', 'running'] })).executions).toEqual([])
  })

  test('leaves an execution alone that has its id for another purpose', async () => {
    const world = new World()
    const { line: graph } = line({ second: { run: untilAborted } })
    const docket = world.process({ graphs: [graph] })
    await docket.start(graph, Third, { Seed: 7 }, { id: 'a' })
    await world.clock.advance(10)
    const clash = createActor(docket.logic(graph, Third, { id: 'a' }), { input })
    const clashed = rejectionOf(toPromise(clash))
    clash.start()
    expect(await world.clock.settle(clashed)).toBeInstanceOf(ExecutionConflictError)
    const wrong = createActor(docket.logic(graph, Third, { id: 'a' }), { input: { Sed: 1 } as never })
    const refused = rejectionOf(toPromise(wrong))
    wrong.start()
    expect(await world.clock.settle(refused)).toBeInstanceOf(InputError)
    await world.clock.advance(1_000)
    expect((await docket.list()).executions).toMatchObject([{ id: 'a', status: 'running' }])
  })

  test('goes on with the same execution in a process that is started again', async () => {
    const world = new World()
    const gates = [door(), door()]
    let turn = 0
    const { line: graph, runs } = line({ second: { run: () => gates[turn++]!.promise } })
    const { docket, die } = world.mortal({ graphs: [graph] })
    createActor(docket.logic(graph, Third, { id: 'a' }), { input }).start()
    await world.clock.advance(10)
    die()
    await world.clock.advance(10_000)
    const restarted = world.process({ graphs: [graph] })
    const actor = createActor(restarted.logic(graph, Third, { id: 'a' }), { input }).start()
    const result = toPromise(actor)
    gates[1]!.resolve(10)
    expect(await world.clock.settle(result)).toBe(11)
    expect(runs).toEqual(['First', 'Second', 'Second', 'Third'])
  })

  test('goes on from an actor’s persisted snapshot: the same execution', async () => {
    const world = new World()
    const gates = [door(), door()]
    let turn = 0
    const { line: graph, runs } = line({ second: { run: () => gates[turn++]!.promise } })
    const { docket, die } = world.mortal({ graphs: [graph] })
    const first = createActor(docket.logic(graph, Third), { input }).start()
    await world.clock.advance(10)
    const snapshot = JSON.parse(JSON.stringify(first.getPersistedSnapshot())) as ReturnType<
      typeof first.getPersistedSnapshot
    >
    die()
    await world.clock.advance(10_000)
    const restarted = world.process({ graphs: [graph] })
    const second = createActor(restarted.logic(graph, Third), { input, snapshot }).start()
    const result = toPromise(second)
    gates[1]!.resolve(10)
    expect(await world.clock.settle(result)).toBe(11)
    expect(runs).toEqual(['First', 'Second', 'Second', 'Third'])
    expect((await restarted.list()).executions).toHaveLength(1)
  })

  test('cancels nothing when its actor is stopped after the end', async () => {
    const world = new World()
    const { line: graph } = line()
    const docket = world.process({ graphs: [graph] })
    const actor = createActor(docket.logic(graph, Third, { id: 'a' }), { input }).start()
    await world.clock.settle(toPromise(actor))
    actor.stop()
    await world.clock.advance(1_000)
    expect((await docket.list()).executions).toMatchObject([{ status: 'completed', output: 4 }])
  })
})

describe('a durable actor', () => {
  test('shows its steps while they run here, as children in the step machine’s states', async () => {
    const world = new World()
    const gate = door()
    const { line: graph } = line({ second: { run: () => gate.promise } })
    const docket = world.process({ graphs: [graph] })
    const actor = createActor(docket.logic(graph, Third, { id: 'a' }), { input }).start()
    const result = toPromise(actor)
    await world.clock.advance(10)
    const { context, children } = actor.getSnapshot()
    expect(Object.entries(context.steps).map(([name, { status }]) => [name, status])).toEqual([
      ['First', 'completed'],
      ['Second', 'running'],
      ['Third', 'pending'],
    ])
    expect(children['Second']!.getSnapshot().value).toBe('running')
    gate.resolve(10)
    expect(await world.clock.settle(result)).toBe(11)
    expect(actor.getSnapshot().context.steps['Third']!.status).toBe('completed')
  })

  test('is restored from its snapshot as its records say, not as the snapshot does', async () => {
    const world = new World()
    const gate = door()
    const { line: graph, runs } = line({ second: { run: () => gate.promise } })
    const docket = world.process({ graphs: [graph] })
    const logic = docket.logic(graph, Third, { id: 'a' })
    const first = createActor(logic, { input }).start()
    await world.clock.advance(10)
    const snapshot = JSON.parse(JSON.stringify(first.getPersistedSnapshot())) as ReturnType<
      typeof first.getPersistedSnapshot
    >
    const second = createActor(logic, { snapshot, input }).start()
    const result = toPromise(second)
    gate.resolve(10)
    expect(await world.clock.settle(result)).toBe(11)
    expect(runs).toEqual(['First', 'Second', 'Third'])
  })

  test('is not continued by logic that knows nothing of its lease', async () => {
    const world = new World()
    const { line: graph } = line({ second: { run: untilAborted } })
    const docket = world.process({ graphs: [graph] })
    const handle = await docket.start(graph, Third, input, { id: 'a' })
    await world.clock.advance(10)
    const snapshot = handle.getPersistedSnapshot()!
    const foreign = createActor(fromGraph(graph, Third), { snapshot, input })
    expect(foreign.getSnapshot()).toMatchObject({ status: 'error', error: { code: 'SERIALIZATION_FAILED' } })
    expect(String(foreign.getSnapshot().error)).toMatch(/durable.*docket\.logic/)
  })
})

describe('handle.actor', () => {
  test('is the execution’s actor: its status, its steps as children, and all that changes', async () => {
    const world = new World()
    const gate = door()
    const { line: graph } = line({ second: { run: () => gate.promise } })
    const docket = world.process({ graphs: [graph] })
    const handle = await docket.start(graph, Third, input, { id: 'a' })
    const { actor } = handle
    const told: (string | undefined)[] = []
    actor!.subscribe({ next: ({ children }) => void told.push(children['Second']?.getSnapshot().value as string) })
    const seen: unknown[] = []
    handle.subscribe(({ value }) => void seen.push(value))
    await world.clock.advance(10)
    const { status, value, children } = actor!.getSnapshot()
    expect({ status, value }).toEqual({ status: 'active', value: 'running' })
    expect(children['First']?.getSnapshot()).toMatchObject({ value: 'completed', output: 2 })
    expect(children['Second']?.getSnapshot()).toMatchObject({ value: 'running' })
    gate.resolve(10)
    expect(await world.clock.settle(toPromise(actor!))).toBe(11)
    expect(told.at(-1)).toBe('completed')
    expect(seen.at(-1)).toBe('completed')
  })

  test('is not there where the execution lives elsewhere, or nowhere', async () => {
    const world = new World()
    const { line: graph } = line({ second: { run: untilAborted } })
    const here = world.process({ graphs: [graph] })
    const there = world.process({ graphs: [graph] })
    const handle = await here.start(graph, Third, input, { id: 'a' })
    await world.clock.advance(10)
    expect(handle.getSnapshot()?.value).toBe('running')
    const elsewhere = await there.get('a')
    expect(elsewhere!.actor).toBeUndefined()
    expect(elsewhere!.getSnapshot()).toBeUndefined()
    expect(elsewhere!.getPersistedSnapshot()).toBeUndefined()
    const outcome = rejectionOf(handle.result())
    await handle.cancel()
    expect(await outcome).toBeInstanceOf(ExecutionCancelledError)
    await world.clock.advance(10)
    expect(handle.actor).toBeUndefined()
  })
})
