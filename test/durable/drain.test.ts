import { createActor, toPromise } from 'xstate'
import { describe, expect, test } from 'vitest'
import { DocketClosedError, ExecutionCancelledError, graph, step } from '../../src/index.ts'
import type { Docket } from '../../src/index.ts'
import { expectNoUnhandledErrors, number, rejectionOf } from '../loose-api.ts'
import { World } from './durable-time.ts'
import { door, First, line, Second, Seed, Third } from './line.ts'

expectNoUnhandledErrors()

const inputs = { Seed: 1 }

/** Two processes: the first, which is about to close, runs an execution whose Second waits at a door. */
async function about() {
  const world = new World()
  const gate = door()
  const { line: graph, runs } = line({ second: { run: () => gate.promise } })
  const leaving = world.process({ graphs: [graph] })
  const handle = await leaving.start(graph, Third, inputs, { id: 'a' })
  await world.clock.advance(10)
  const { line: healthy, runs: otherRuns } = line({ second: { run: (value) => value * 100 } })
  const staying = world.process({ graphs: [healthy] })
  await world.clock.advance(10)
  const lastEvents = (): readonly object[] =>
    world.events.filter(({ type }) => type === 'execution.ended' || type === 'execution.released')
  return { world, gate, graph, runs, otherRuns, leaving, staying, handle, lastEvents }
}

describe('close, while executions run', () => {
  test('goes on with them to their end, further steps too, and whoever waits gets the value', async () => {
    const { world, gate, runs, otherRuns, leaving, handle, lastEvents } = await about()
    const result = handle.result()
    const closing = leaving.close({ deadline: '5s' })
    await world.clock.advance(300)
    gate.resolve(7)
    expect(await world.clock.settle(result)).toBe(8)
    await world.clock.settle(closing)
    expect(runs).toEqual(['First', 'Second', 'Third'])
    expect(otherRuns).toEqual([])
    expect(lastEvents()).toMatchObject([{ type: 'execution.ended', status: 'completed' }])
  })

  test('hands over at its deadline: callers get a DocketClosedError, and events say that it was released', async () => {
    const { world, leaving, staying, handle, lastEvents } = await about()
    const outcome = rejectionOf(handle.result())
    await world.clock.settle(leaving.close({ deadline: '1s' }))
    const error = await world.clock.settle(outcome)
    expect(error).toBeInstanceOf(DocketClosedError)
    expect(error).toMatchObject({ code: 'DOCKET_CLOSED', executionId: 'a' })
    expect(String(error)).toMatch(/has not failed.*docket\.get\("a"\)/)
    expect(lastEvents()[0]).toMatchObject({ cause: 'close', executionId: 'a', target: 'Third' })
    expect(await world.clock.settle((await staying.get('a'))!.result())).toBe(201)
    expect(lastEvents()).toMatchObject([
      { type: 'execution.released' },
      { type: 'execution.ended', status: 'completed' },
    ])
  })

  test('aborts what runs at its deadline with a DocketClosedError', async () => {
    const world = new World()
    let reason: unknown
    const run = (_: number, { signal }: { readonly signal: AbortSignal }): Promise<number> =>
      new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => reject((reason = signal.reason) as Error))
      })
    const { line: graph } = line({ second: { run } })
    const docket = world.process({ graphs: [graph] })
    await docket.start(graph, Third, inputs, { id: 'a' })
    await world.clock.advance(10)
    await world.clock.settle(docket.close({ deadline: 0 }))
    expect(reason).toBeInstanceOf(DocketClosedError)
  })

  test('starts nothing new meanwhile', async () => {
    const { world, gate, graph, leaving, staying } = await about()
    const closing = leaving.close()
    expect(await rejectionOf(leaving.start(graph, Third, inputs, { id: 'b' }))).toBeInstanceOf(DocketClosedError)
    expect(await rejectionOf(leaving.resume())).toBeInstanceOf(DocketClosedError)
    gate.resolve(7)
    await world.clock.settle(closing)
    expect((await staying.list()).executions).toHaveLength(1)
  })

  test('can still be looked at and cancelled from elsewhere', async () => {
    const { world, leaving, staying, handle } = await about()
    const outcome = rejectionOf(handle.result())
    const closing = leaving.close({ deadline: '10s' })
    expect(await (await leaving.get('a'))!.details()).toMatchObject({ status: 'running' })
    await staying.cancel('a')
    await world.clock.settle(closing)
    expect(await outcome).toBeInstanceOf(ExecutionCancelledError)
    expect((await staying.list()).executions).toMatchObject([{ status: 'cancelled' }])
  })

  test('does not wait for one that only waits for an attempt after its deadline', async () => {
    const world = new World()
    let tries = 0
    const failing = (value: number): number => {
      if (++tries === 1) throw new Error('not yet')
      return value
    }
    const { line: graph } = line({ second: { run: failing, retry: { maxAttempts: 2, backoff: () => 60_000 } } })
    const leaving = world.process({ graphs: [graph] })
    await leaving.start(graph, Third, inputs, { id: 'a' })
    await world.clock.advance(10)
    const staying = world.process({ graphs: [graph] })
    await world.clock.advance(10)
    const closedAt = world.clock.now()
    await world.clock.settle(leaving.close({ deadline: '10s' }))
    expect(world.clock.now() - closedAt).toBeLessThan(100)
    expect(await world.clock.settle((await staying.get('a'))!.result())).toBe(3)
  })

  test('of an execution that runs elsewhere, a waiting caller gets the value until then, and a DocketClosedError after', async () => {
    const { world, gate, leaving, staying } = await about()
    const elsewhere = (await staying.get('a'))!
    const outcome = rejectionOf(elsewhere.result())
    await world.clock.settle(staying.close())
    expect(await outcome).toMatchObject({ code: 'DOCKET_CLOSED', executionId: 'a' })
    gate.resolve(7)
    await world.clock.settle(leaving.close())
  })

  test('a batch goes on to its end, or is released as a whole', async () => {
    const world = new World()
    const gates = [door(), door()]
    const { line: graph } = line({ second: { run: (value) => gates[value - 2]!.promise } })
    const docket = world.process({ graphs: [graph] })
    const items = [{ Seed: 1 }, { Seed: 2 }]
    const batch = await docket.startBatch(graph, Third, items, { id: 'b' })
    const outcome = rejectionOf(batch.result())
    await world.clock.advance(10)
    const closing = docket.close({ deadline: '1s' })
    gates[0]!.resolve(10)
    await world.clock.settle(closing)
    expect(await outcome).toMatchObject({ code: 'DOCKET_CLOSED', executionId: 'b' })
    expect(world.events.at(-1)).toMatchObject({ type: 'execution.released', cause: 'close', executionId: 'b' })
    expect(world.events.filter(({ type }) => type === 'execution.ended')).toEqual([])
    const { line: healthy, runs } = line({ second: { run: () => 20 } })
    const next = world.process({ graphs: [healthy] })
    expect(await world.clock.settle((await next.get('b'))!.result())).toEqual([11, 21])
    expect(runs).toEqual(['Second', 'Third'])
  })

  test('a durable actor gets the error, and its snapshot does not say that the execution has failed', async () => {
    const world = new World()
    const { line: graph } = line({ second: { run: () => door().promise } })
    const docket = world.process({ graphs: [graph] })
    const actor = createActor(docket.logic(graph, Third, { id: 'a' }), { input: inputs }).start()
    const outcome = rejectionOf(toPromise(actor))
    await world.clock.advance(10)
    await world.clock.settle(docket.close({ deadline: 0 }))
    expect(await world.clock.settle(outcome)).toBeInstanceOf(DocketClosedError)
    expect(actor.getSnapshot()).toMatchObject({ status: 'error', value: 'released' })
  })

  test('waits for executions that are not written down, and ends them at its deadline', async () => {
    const world = new World()
    const gates = [door(), door()]
    const unkept = { persist: undefined }
    const second = { ...unkept, run: (value: number) => gates[value - 2]!.promise }
    const { line: graph } = line({ first: unkept, second, third: unkept })
    const docket = world.process({ graphs: [graph] })
    const first = docket.execute(graph, Third, { Seed: 1 })
    const last = rejectionOf(docket.execute(graph, Third, { Seed: 2 }))
    const closing = docket.close({ deadline: '1s' })
    await world.clock.advance(500)
    gates[0]!.resolve(7)
    expect(await first).toBe(8)
    await world.clock.settle(closing)
    const error = await last
    expect(error).toBeInstanceOf(DocketClosedError)
    expect(String(error)).toContain('run it again')
  })

  test('a step that starts another execution does not fail: its execution goes on elsewhere', async () => {
    const world = new World()
    const gate = door()
    const Child = number('Child')
    const child = step({
      name: 'MakeChild',
      inputs: { value: Seed },
      output: Child,
      persist: 'execution',
      run: () => 5,
    })
    const children = graph({ name: 'children', steps: [child] })
    const parentOf = (docketOf: () => Docket) =>
      graph({
        name: 'parents',
        steps: [
          step({
            name: 'Parent',
            inputs: { value: Seed },
            output: First,
            persist: 'execution',
            run: async () => {
              await gate.promise
              return docketOf().execute(children, Child, inputs, { id: 'child' })
            },
          }),
        ],
      })
    const own = parentOf(() => leaving)
    const leaving: Docket = world.process({ graphs: [own, children] })
    await leaving.start(own, First, inputs, { id: 'parent' })
    await world.clock.advance(10)
    const others = parentOf(() => staying)
    const staying: Docket = world.process({ graphs: [others, children] })
    await world.clock.advance(10)
    const closing = leaving.close()
    gate.resolve(0)
    expect(await world.clock.settle((await staying.get('parent'))!.result())).toBe(5)
    await world.clock.settle(closing)
    expect(world.events.filter(({ type }) => type === 'attempt.failed' || type === 'step.ended')).toMatchObject([
      { step: 'MakeChild' },
      { step: 'Parent', status: 'completed' },
    ])
  })

  test('what is just being started is left to others at once', async () => {
    const world = new World()
    const { line: graph, runs } = line()
    const leaving = world.process({ graphs: [graph] })
    await leaving.list()
    const { line: same, runs: otherRuns } = line()
    const staying = world.process({ graphs: [same] })
    await world.clock.advance(10)
    const starting = leaving.start(graph, Third, inputs, { id: 'late' })
    const closing = leaving.close()
    const handle = await world.clock.settle(starting)
    await world.clock.settle(closing)
    expect(await rejectionOf(handle.result())).toBeInstanceOf(DocketClosedError)
    expect(await world.clock.settle((await staying.get('late'))!.result())).toBe(4)
    expect([runs, otherRuns]).toEqual([[], ['First', 'Second', 'Third']])
  })
})

test('a lost lease is reported as a release, not as an end', async () => {
  const world = new World()
  const { line: doomed } = line({ second: { run: () => door().promise } })
  const { docket, die } = world.mortal({ graphs: [doomed] })
  await docket.start(doomed, Third, inputs, { id: 'a' })
  await world.clock.advance(10)
  die()
  await world.clock.advance(20_000)
  expect(world.events.filter(({ type }) => /^(execution\.(ended|released)|lease\.lost)$/.test(type))).toMatchObject([
    { type: 'lease.lost' },
    { type: 'execution.released', cause: 'lease-lost' },
  ])
})

test('whoever watches a handle’s actor is not obliged to listen to errors', async () => {
  const world = new World()
  const gate = door()
  const { line: graph } = line({ second: { run: () => gate.promise } })
  const docket = world.process({ graphs: [graph] })
  const handle = await docket.start(graph, Second, inputs, { id: 'a' })
  const seen: string[] = []
  const errors: unknown[] = []
  handle.actor!.subscribe((snapshot) => void seen.push(snapshot.value))
  handle.actor!.subscribe({ next: (snapshot) => void seen.push(snapshot.value) })
  handle.actor!.subscribe({ error: (error) => void errors.push(error) })
  const outcome = rejectionOf(handle.result())
  gate.reject(new Error('boom'))
  expect(await world.clock.settle(outcome)).toMatchObject({ code: 'STEP_FAILED' })
  // XState reports what it takes for uncaught in a timer of its own.
  await new Promise((resolve) => setTimeout(resolve, 5))
  expect(errors).toHaveLength(1)
  expect(seen.length).toBeGreaterThan(0)
  await world.clock.settle(docket.close())
})
