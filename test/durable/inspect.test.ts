import { describe, expect, test, vi } from 'vitest'
import { createActor, createMachine, setup, toPromise } from 'xstate'
import type { AnyActorRef, InspectionEvent } from 'xstate'
import { createDocket, fromGraph } from '../../src/index.ts'
import { memoryStore } from '../../stores/memory/index.ts'
import { Inspected } from '../inspector/inspected.ts'
import { expectNoUnhandledErrors, rejectionOf } from '../loose-api.ts'
import { DurableTime, World } from './durable-time.ts'
import { door, line, Third } from './line.ts'

expectNoUnhandledErrors()

const input = { Seed: 1 }

/** What an inspector sees of a line that runs to its end. */
const wholeLine = [
  'a',
  'a: pending',
  'First',
  'First: pending',
  'Second',
  'Second: pending',
  'Third',
  'Third: pending',
  'a: running',
  'First: running',
  'First: completed',
  'Second: running',
  'Second: completed',
  'Third: running',
  'Third: completed',
  'a: completed',
]

describe('docket.logic', () => {
  test('shows its steps in the actor system, under the ids that fromGraph gives them', async () => {
    const world = new World()
    const gate = door()
    const { line: graph } = line({ second: { run: () => gate.promise } })
    const docket = world.process({ graphs: [graph] })
    const actor = createActor(docket.logic(graph, Third, { id: 'a' }), { input }).start()
    const { system } = actor
    expect(system.get('a')).toBe(actor)
    const result = toPromise(actor)
    await world.clock.advance(10)
    expect(system.get('a')).toBe(actor)
    expect(system.get('a/Second').getSnapshot().value).toBe('running')
    expect(Object.keys(system.getAll())).toEqual(['a', 'a/First', 'a/Second', 'a/Third'])
    expect(system.get('a/Second')).toBe(actor.getSnapshot().children['Second'])
    gate.resolve(10)
    expect(await world.clock.settle(result)).toBe(11)
    expect(system.get('a')).toBeUndefined()
    expect(actor.getSnapshot().children['Third']!.getSnapshot().value).toBe('completed')
  })

  test('shows an inspector the execution and each step, as fromGraph does', async () => {
    const world = new World()
    const { line: graph } = line()
    const docket = world.process({ graphs: [graph] })
    const durable = new Inspected()
    const actor = createActor(docket.logic(graph, Third), { id: 'a', input, inspect: durable.inspect }).start()
    await world.clock.settle(toPromise(actor))
    const plain = new Inspected()
    const other = createActor(fromGraph(line({ persist: undefined as never }).line, Third), {
      id: 'a',
      input,
      inspect: plain.inspect,
      clock: new DurableTime(),
    }).start()
    await toPromise(other)
    expect(durable.lines.toSorted()).toEqual(wholeLine.toSorted())
    expect(plain.lines.toSorted()).toEqual(wholeLine.toSorted())
    for (const name of ['a', 'First', 'Second', 'Third']) expect(durable.statesOf(name)).toEqual(plain.statesOf(name))
    expect(durable.rootIds.size).toBe(1)
  })

  test('shows an inspector that comes late the steps as they are, and what they do from then on', async () => {
    const world = new World()
    const gate = door()
    const { line: graph } = line({ second: { run: () => gate.promise } })
    const docket = world.process({ graphs: [graph] })
    const actor = createActor(docket.logic(graph, Third), { id: 'a', input }).start()
    const result = toPromise(actor)
    await world.clock.advance(10)
    const late = new Inspected()
    actor.system.inspect(late.inspect)
    gate.resolve(10)
    await world.clock.settle(result)
    expect(late.actorsOf('Second')).toBe(1)
    expect(late.statesOf('Second')).toEqual(['running', 'completed'])
    expect(late.statesOf('a')).toEqual(['running', 'completed'])
  })

  test('shows the steps below the machine that invokes it', async () => {
    const world = new World()
    const { line: graph } = line()
    const docket = world.process({ graphs: [graph] })
    const machine = setup({ actors: { work: docket.logic(graph, Third) } }).createMachine({
      id: 'outer',
      initial: 'working',
      states: { working: { invoke: { id: 'a', src: 'work', input, onDone: 'done' } }, done: { type: 'final' } },
    })
    const inspected = new Inspected()
    const actor = createActor(machine, { inspect: inspected.inspect })
    await world.clock.settle(toPromise(actor.start()))
    for (const name of ['First', 'Second', 'Third'])
      expect(inspected.statesOf(name)).toEqual(['pending', 'running', 'completed'])
    expect(inspected.rootIds.size).toBe(1)
  })

  test('shows the steps of an execution that this process takes over from one that died', async () => {
    const world = new World()
    const gates = [door(), door()]
    let turn = 0
    const { line: graph } = line({ second: { run: () => gates[turn++]!.promise } })
    const { docket: first, die } = world.mortal({ graphs: [graph] })
    await first.start(graph, Third, input, { id: 'a' })
    await world.clock.advance(10)
    const docket = world.process({ graphs: [graph] })
    const actor = createActor(docket.logic(graph, Third, { id: 'a' }), { input }).start()
    const result = toPromise(actor)
    await world.clock.advance(10)
    expect(actor.system.get('a')).toBe(actor)
    expect(actor.system.get('a/Second')).toBeUndefined()
    die()
    await world.clock.advance(10_000)
    expect(actor.system.get('a/Second').getSnapshot().value).toBe('running')
    expect(actor.getSnapshot().context.steps['First']!.status).toBe('completed')
    gates[1]!.resolve(10)
    expect(await world.clock.settle(result)).toBe(11)
  })

  test('runs on under an inspector that throws: the execution is not touched', async () => {
    const world = new World()
    const { line: graph } = line()
    const docket = world.process({ graphs: [graph] })
    const warn = vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
    const actor = createActor(docket.logic(graph, Third, { id: 'a' }), { input, inspect: throwAtSnapshots })
    actor.subscribe({ error: () => {} })
    expect(() => actor.start()).toThrow('bad inspector')
    await world.clock.advance(1_000)
    expect((await docket.list()).executions).toMatchObject([{ id: 'a', status: 'completed', output: 4 }])
    expect(warn).toHaveBeenCalledTimes(1)
    warn.mockRestore()
  })

  test('ends the steps’ actors when it is stopped', async () => {
    const world = new World()
    const { line: graph } = line({ second: { run: () => new Promise(() => {}) } })
    const docket = world.process({ graphs: [graph] })
    const inspected = new Inspected()
    const actor = createActor(docket.logic(graph, Third), { id: 'a', input, inspect: inspected.inspect }).start()
    await world.clock.advance(10)
    actor.stop()
    await world.clock.advance(10)
    expect(inspected.statesOf('Second')).toEqual(['pending', 'running', 'cancelled'])
    expect((await docket.list()).executions).toMatchObject([{ status: 'cancelled' }])
  })
})

describe('createDocket({ inspect })', () => {
  test('sees an execution that is started: its actor, its steps, and every state from the first', async () => {
    const world = new World()
    const { line: graph } = line()
    const { inspect, lines } = new Inspected()
    const docket = world.process({ graphs: [graph], inspect })
    const handle = await docket.start(graph, Third, input, { id: 'a' })
    expect(await world.clock.settle(handle.result())).toBe(4)
    expect(lines.toSorted()).toEqual(wholeLine.toSorted())
    expect(lines.indexOf('First')).toBeLessThan(lines.indexOf('First: running'))
    const order = lines.filter((line) => / (running|completed)$/.test(line))
    expect(order).toEqual([
      'a: running',
      'First: running',
      'First: completed',
      'Second: running',
      'Second: completed',
      'Third: running',
      'Third: completed',
      'a: completed',
    ])
  })

  test('takes an observer object, as XState does', async () => {
    const world = new World()
    const { line: graph } = line()
    const inspected = new Inspected()
    class Observing {
      seen = 0
      next(event: Parameters<typeof inspected.inspect>[0]): void {
        this.seen++
        inspected.inspect(event)
      }
    }
    const observer = new Observing()
    const docket = world.process({ graphs: [graph], inspect: observer })
    await world.clock.settle(docket.execute(graph, Third, input, { id: 'a' }))
    expect(inspected.lines).toContain('a: completed')
    expect(observer.seen).toBeGreaterThan(wholeLine.length)
  })

  test('refuses what is no inspector', () => {
    const { line: graph } = line()
    for (const inspect of [5, {}, { next: 1 }, 'https://stately.ai'])
      expect(() => createDocket({ graphs: [graph], store: memoryStore(), inspect } as never)).toThrow(
        /inspect must be a function of an inspection event, or an object with next, not /,
      )
  })

  test('sees what is executed without an id and written down nowhere', async () => {
    const inspected = new Inspected()
    const { line: graph } = line({ persist: undefined as never })
    const docket = createDocket({ graphs: [graph], store: memoryStore(), inspect: inspected.inspect })
    expect(await docket.execute(graph, Third, input)).toBe(4)
    for (const name of ['First', 'Second', 'Third'])
      expect(inspected.statesOf(name)).toEqual(['pending', 'running', 'completed'])
    await docket.close()
  })

  test('sees what an actor of docket.logic stands for', async () => {
    const world = new World()
    const { line: graph } = line()
    const inspected = new Inspected()
    const docket = world.process({ graphs: [graph], inspect: inspected.inspect })
    const actor = createActor(docket.logic(graph, Third, { id: 'a' }), { input }).start()
    await world.clock.settle(toPromise(actor))
    expect(inspected.lines.toSorted()).toEqual(wholeLine.toSorted())
  })

  test('sees a failure and its retry: each attempt, and the steps that were done before', async () => {
    const world = new World()
    let isBroken = true
    const { line: graph } = line({
      second: {
        retry: { maxAttempts: 2, backoff: () => 5 },
        run: (value) => {
          if (isBroken) throw new Error('broken')
          return value
        },
      },
    })
    const inspected = new Inspected()
    const docket = world.process({ graphs: [graph], inspect: inspected.inspect })
    const handle = await docket.start(graph, Third, input, { id: 'a' })
    await world.clock.settle(rejectionOf(handle.result()))
    expect(inspected.statesOf('Second')).toEqual(['pending', 'running', 'retrying', 'running', 'failed'])
    expect(inspected.statesOf('a')).toEqual(['pending', 'running', 'failed'])
    isBroken = false
    inspected.lines.length = 0
    const again = await docket.retry('a')
    await world.clock.settle(again.result())
    expect(inspected.actorsOf('a')).toBe(1)
    expect(inspected.statesOf('a').at(-1)).toBe('completed')
    expect(inspected.statesOf('First')).not.toContain('running')
    expect(inspected.statesOf('Second')).toEqual(['pending', 'running', 'completed'])
  })

  test('sees an execution that goes on from another process, as far as it runs here', async () => {
    const world = new World()
    const gates = [door(), door()]
    let turn = 0
    const { line: graph } = line({ second: { run: () => gates[turn++]!.promise } })
    const first = new Inspected()
    const second = new Inspected()
    const { docket, die } = world.mortal({ graphs: [graph], inspect: first.inspect })
    await docket.start(graph, Third, input, { id: 'a' })
    await world.clock.advance(10)
    die()
    const other = world.process({ graphs: [graph], inspect: second.inspect })
    await world.clock.advance(10_000)
    gates[1]!.resolve(10)
    const handle = await other.get('a')
    expect(await world.clock.settle(handle!.result())).toBe(11)
    expect(first.statesOf('Second')).toContain('running')
    expect(second.statesOf('First')).toEqual([])
    expect(second.actorsOf('First')).toBe(1)
    expect(second.statesOf('Third')).toEqual(['pending', 'running', 'completed'])
  })

  test('sees the executions of two dockets, each as a system of its own', async () => {
    const inspected = new Inspected()
    const dockets = [line({ name: 'one' }), line({ name: 'two' })].map(({ line: graph }) => {
      const world = new World()
      return { world, graph, docket: world.process({ graphs: [graph], inspect: inspected.inspect }) }
    })
    for (const { world, graph, docket } of dockets)
      await world.clock.settle(docket.execute(graph, Third, input, { id: graph.name }))
    for (const { graph } of dockets) expect(inspected.statesOf(graph.name)).toEqual(['pending', 'running', 'completed'])
    expect(inspected.rootIds.size).toBe(2)
  })

  test('sees a batch, and the executions of its items with their steps', async () => {
    const world = new World()
    const { line: graph } = line({
      second: {
        run: (value) => {
          if (value === 3) throw new Error('three')
          return value + 1
        },
      },
    })
    const inspected = new Inspected()
    const docket = world.process({ graphs: [graph], inspect: inspected.inspect })
    const items = [{ Seed: 1 }, { Seed: 2 }]
    const options = {
      id: 'b',
      key: ({ Seed }: { readonly Seed: number }) => `seed ${Seed}`,
      onError: 'collect',
    } as const
    const handle = await docket.startBatch(graph, Third, items, options)
    await world.clock.settle(handle.result())
    expect(inspected.statesOf('b')).toEqual(['pending', 'running', 'completed'])
    expect(inspected.statesOf('seed 1')).toEqual(['pending', 'running', 'completed'])
    expect(inspected.statesOf('seed 2')).toEqual(['pending', 'running', 'failed'])
    expect(inspected.actorsOf('Second')).toBe(2)
    expect(inspected.rootIds.size).toBe(1)
  })

  test.each([
    [
      'throws',
      () => () => {
        throw new Error('bad inspector')
      },
    ],
    [
      'rejects',
      () => async () => {
        throw new Error('bad inspector')
      },
    ],
  ])('that %s touches nothing: the first time is a warning', async (_, badly) => {
    const world = new World()
    const { line: graph } = line()
    const warnings: string[] = []
    const warn = vi.spyOn(process, 'emitWarning').mockImplementation((warning) => void warnings.push(String(warning)))
    const docket = world.process({ graphs: [graph], inspect: badly() })
    expect(await world.clock.settle(docket.execute(graph, Third, input, { id: 'a' }))).toBe(4)
    const batch = await docket.startBatch(graph, Third, [input], { id: 'b' })
    expect(await world.clock.settle(batch.result())).toEqual([4])
    warn.mockRestore()
    expect(warnings).toEqual([expect.stringMatching(/an XState inspector threw.*bad inspector/)])
  })

  test('that adds an inspector which throws touches nothing either: executions and batches run on', async () => {
    const world = new World()
    const { line: graph } = line()
    const warn = vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
    const systems = new Set<unknown>()
    const inspect = ({ actorRef }: InspectionEvent): void => {
      const { system } = actorRef as AnyActorRef
      if (systems.has(system)) return
      systems.add(system)
      system.inspect(() => {
        throw new Error('bad inspector')
      })
    }
    const docket = world.process({ graphs: [graph], inspect })
    expect(await world.clock.settle(docket.execute(graph, Third, input, { id: 'a' }))).toBe(4)
    const batch = await docket.startBatch(graph, Third, [input], { id: 'b' })
    expect(await world.clock.settle(batch.result())).toEqual([4])
    expect(systems.size).toBe(2)
    expect(warn).toHaveBeenCalled()
    warn.mockRestore()
  })

  test('costs nothing where it is not given: no actor is made', async () => {
    const world = new World()
    const { line: graph } = line()
    const docket = world.process({ graphs: [graph] })
    const before = actorNumber()
    await world.clock.settle(docket.execute(graph, Third, input, { id: 'a' }))
    const batch = await docket.startBatch(graph, Third, [input])
    await world.clock.settle(batch.result())
    expect(actorNumber() - before).toBe(1)
  })
})

function throwAtSnapshots({ type }: { readonly type: string }): void {
  if (type === '@xstate.snapshot') throw new Error('bad inspector')
}

/** XState numbers actors in one row. */
function actorNumber(): number {
  return Number(createActor(createMachine({})).sessionId.slice('x:'.length))
}
