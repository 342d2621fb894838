import { createActor, toPromise } from 'xstate'
import { describe, expect, test } from 'vitest'
import { ExecutionCancelledError, ExecutionConflictError, graph, step } from '../../src/index.ts'
import type { Docket } from '../../src/index.ts'
import { expectNoUnhandledErrors, rejectionOf } from '../loose-api.ts'
import { World } from './durable-time.ts'
import { door, First, line, Second, Seed, Third } from './line.ts'

expectNoUnhandledErrors()

const inputs = { Seed: 1 }

/** The line, whose first step has got another name. */
function renamedLine() {
  const link = { persist: 'execution', run: ({ value }: { readonly value: number }) => value + 1 } as const
  return graph({
    name: 'line',
    steps: [
      step({ ...link, name: 'TheFirst', inputs: { value: Seed }, output: First }),
      step({ ...link, name: 'Second', inputs: { value: First }, output: Second }),
      step({ ...link, name: 'Third', inputs: { value: Second }, output: Third }),
    ],
  })
}

type Line = ReturnType<typeof renamedLine>

/** A process has died with an execution and a batch whose Second was running; its lease goes on for some seconds. */
async function killedJustNow(world = new World()) {
  const { line: old } = line({ second: { run: () => door().promise } })
  const { docket, die } = world.mortal({ graphs: [old] })
  await docket.start(old, Third, inputs, { id: 'a' })
  await docket.startBatch(old, Third, [inputs, { Seed: 2 }], { id: 'b' })
  await world.clock.advance(10)
  die()
  return world
}

const waits: Record<string, (docket: Docket, changed: Line) => Promise<unknown>> = {
  'execute with its id': (docket, changed) => docket.execute(changed, Third, inputs, { id: 'a' }),
  'the handle of start with its id': async (docket, changed) =>
    (await docket.start(changed, Third, inputs, { id: 'a' })).result(),
  'the handle of get': async (docket) => (await docket.get('a'))!.result(),
  'startBatch with its id': async (docket, changed) =>
    (await docket.startBatch(changed, Third, [inputs, { Seed: 2 }], { id: 'b' })).result(),
  'the handle of get, of a batch,': async (docket) => (await docket.get('b'))!.result(),
  'an actor of docket.logic': (docket, changed) =>
    toPromise(createActor(docket.logic(changed, Third, { id: 'a' }), { input: inputs }).start()),
}

describe('a call that waits for an execution whose process has just been killed', () => {
  test.each(Object.keys(waits))('%s settles when the records turn out not to fit here', async (title) => {
    const world = await killedJustNow()
    const changed = renamedLine()
    const docket = world.process({ graphs: [changed] })
    const error = await world.clock.settle(rejectionOf(waits[title]!(docket, changed)))
    expect(error).toBeInstanceOf(ExecutionConflictError)
    expect(String(error)).toMatch(/can't go on in this process: .*step "First" has a result, but the graph has no such/)
    // It is as it was, for a process of the older version.
    const { line: old, runs } = line()
    const older = world.process({ graphs: [old] })
    expect(await world.clock.settle((await older.get('a'))!.result())).toBe(4)
    expect(runs).toContain('Second')
  })

  test.each(Object.keys(waits))('%s gets the outcome where a process of the older version goes on', async (title) => {
    const world = await killedJustNow()
    const changed = renamedLine()
    const docket = world.process({ graphs: [changed] })
    world.process({ graphs: [line({ second: { run: () => world.clock.sleep(20_000).then(() => 10) } }).line] })
    const outcome = await world.clock.settle(waits[title]!(docket, changed))
    expect(outcome).toEqual(title.includes('atch') ? [11, 11] : 11)
  })

  test('settles also where it was left alone here before that process had it', async () => {
    const world = new World()
    const { line: old } = line({ second: { run: () => door().promise } })
    const first = world.process({ graphs: [old] })
    await first.start(old, Third, inputs, { id: 'a' })
    await world.clock.advance(10)
    const changed = renamedLine()
    const docket = world.process({ graphs: [changed] })
    await world.clock.settle(first.close({ deadline: 0 }))
    await world.clock.advance(1_000)
    expect((await docket.list()).executions).toMatchObject([{ incompatible: [expect.stringContaining('"First"')] }])
    const { docket: second, die } = world.mortal({ graphs: [old] })
    await world.clock.advance(1_000)
    expect((await second.get('a'))!.actor).toBeDefined()
    const outcome = rejectionOf(docket.execute(changed, Third, inputs, { id: 'a' }))
    await world.clock.advance(1_000)
    die()
    expect(await world.clock.settle(outcome)).toBeInstanceOf(ExecutionConflictError)
  })

  test('can cancel it at once: it ends when the lease is over, whatever its records are', async () => {
    const world = await killedJustNow()
    const changed = renamedLine()
    const docket = world.process({ graphs: [changed] })
    const outcome = rejectionOf(docket.execute(changed, Third, inputs, { id: 'a' }))
    await world.clock.advance(10)
    await docket.cancel('a')
    expect(await world.clock.settle(outcome)).toMatchObject({ name: 'ExecutionCancelledError' })
  })
})

type OldLine = ReturnType<typeof line>['line']

const signalled: Record<string, (docket: Docket, declared: OldLine, signal: AbortSignal) => Promise<unknown>> = {
  'execute with its id': (docket, declared, signal) => docket.execute(declared, Third, inputs, { id: 'a', signal }),
  'the handle of start with its id': async (docket, declared, signal) =>
    (await docket.start(declared, Third, inputs, { id: 'a', signal })).result(),
  'startBatch with its id': async (docket, declared, signal) =>
    (await docket.startBatch(declared, Third, [inputs, { Seed: 2 }], { id: 'b', signal })).result(),
}

describe('the signal of a call that only attaches to an execution', () => {
  test.each(Object.keys(signalled))('ends the wait and not the execution: %s', async (title) => {
    const world = new World()
    const gate = door()
    const { line: declared } = line({ second: { run: () => gate.promise } })
    const owner = world.process({ graphs: [declared] })
    const own = await owner.start(declared, Third, inputs, { id: 'a' })
    const ownBatch = await owner.startBatch(declared, Third, [inputs, { Seed: 2 }], { id: 'b' })
    await world.clock.advance(10)
    const other = world.process({ graphs: [declared] })
    // From another process, and from the one that has it.
    for (const docket of [other, owner]) {
      const controller = new AbortController()
      const outcome = rejectionOf(signalled[title]!(docket, declared, controller.signal))
      await world.clock.advance(3_000)
      controller.abort(new Error('the client has gone'))
      const error = await world.clock.settle(outcome)
      expect(error).toBeInstanceOf(ExecutionCancelledError)
      expect(error).toMatchObject({ cause: { message: 'the client has gone' } })
      expect(String(error)).toMatch(/the wait for execution "[ab]" was ended by the call's signal/)
      const again = rejectionOf(signalled[title]!(docket, declared, AbortSignal.abort(new Error('gone before'))))
      expect(await world.clock.settle(again)).toMatchObject({ cause: { message: 'gone before' } })
    }
    gate.resolve(10)
    expect(await world.clock.settle(own.result())).toBe(11)
    expect(await world.clock.settle(ownBatch.result())).toEqual([11, 11])
  })

  test('ends the wait for one whose process is dead, while its lease goes on', async () => {
    const world = await killedJustNow()
    const changed = renamedLine()
    const docket = world.process({ graphs: [changed] })
    const controller = new AbortController()
    const outcome = rejectionOf(docket.execute(changed, Third, inputs, { id: 'a', signal: controller.signal }))
    await world.clock.advance(1_000)
    const since = world.clock.elapsed()
    controller.abort()
    expect(await world.clock.settle(outcome)).toBeInstanceOf(ExecutionCancelledError)
    expect(world.clock.elapsed() - since).toBeLessThan(2_000)
  })

  test('ends the wait while the store is away', async () => {
    const world = new World()
    const { line: declared } = line({ second: { run: () => door().promise } })
    const owner = world.process({ graphs: [declared] })
    await owner.start(declared, Third, inputs, { id: 'a' })
    const { docket, die } = world.mortal({ graphs: [declared] })
    const controller = new AbortController()
    const outcome = rejectionOf(docket.execute(declared, Third, inputs, { id: 'a', signal: controller.signal }))
    await world.clock.advance(1_000)
    die()
    await world.clock.advance(1_000)
    controller.abort()
    const since = world.clock.elapsed()
    expect(await world.clock.settle(outcome)).toBeInstanceOf(ExecutionCancelledError)
    expect(world.clock.elapsed() - since).toBeLessThan(2_000)
  })

  test.each(['here', 'elsewhere'])(
    'ends the wait for a failed one that a function keeps from going on, %s',
    async (where) => {
      const world = new World()
      const gate = door()
      const { line: declared } = line({ second: { run: () => gate.promise } })
      const owner = world.process({ graphs: [declared] })
      const handle = await owner.start(declared, Third, inputs, { id: 'a' })
      await world.clock.advance(10)
      const cancelled = rejectionOf(handle.result())
      await handle.cancel()
      await cancelled
      const docket = where === 'here' ? owner : world.process({ graphs: [declared] })
      const controller = new AbortController()
      const outcome = rejectionOf(docket.execute(declared, Third, inputs, { id: 'a', signal: controller.signal }))
      await world.clock.advance(3_000)
      controller.abort(new Error('the client has gone'))
      expect(await world.clock.settle(outcome)).toMatchObject({ cause: { message: 'the client has gone' } })
      // The call has ended: it begins nothing any more.
      gate.resolve(10)
      await world.clock.advance(1_000)
      expect((await owner.list()).executions).toMatchObject([
        { status: where === 'here' ? 'cancelled' : expect.any(String) },
      ])
    },
  )

  test('of two calls with one id in one process ends only its own wait', async () => {
    const world = new World()
    const gate = door()
    const { line: declared } = line({ second: { run: () => gate.promise } })
    const docket = world.process({ graphs: [declared] })
    const [first, second] = [new AbortController(), new AbortController()]
    const call = ({ signal }: AbortController) => docket.execute(declared, Third, inputs, { id: 'a', signal })
    const [begun, attached] = [call(first), call(second)]
    const outcome = rejectionOf(attached)
    await world.clock.advance(10)
    second.abort()
    expect(String(await world.clock.settle(outcome))).toContain('the wait for execution "a"')
    gate.resolve(10)
    expect(await world.clock.settle(begun)).toBe(11)
  })
})
