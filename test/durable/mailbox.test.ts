import { describe, expect, test } from 'vitest'
import type { AcquireRequest, ExecutionCommit } from '../../src/core/contracts/execution-record.ts'
import { ExecutionCancelledError, ExecutionConflictError } from '../../src/index.ts'
import type { Docket } from '../../src/index.ts'
import { rejectionOf } from '../loose-api.ts'
import { alteredStore } from './altered-store.ts'
import { World } from './durable-time.ts'
import { door, line, Third } from './line.ts'
import { WatchedStore } from './watched-store.ts'

const inputs = { Seed: 1 }

type Graph = ReturnType<typeof line>['line']

function untilAborted(_: number, { signal }: { readonly signal: AbortSignal }): Promise<number> {
  return new Promise((_resolve, reject) =>
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true }),
  )
}

async function twoProcesses(
  run: (value: number, context: { readonly signal: AbortSignal }) => Promise<number> | number,
) {
  const world = new World()
  const { line: graph, runs } = line({ second: { run } })
  const owner = world.process({ graphs: [graph] })
  const other = world.process({ graphs: [graph] })
  const handle = await owner.start(graph, Third, inputs, { id: 'a' })
  await world.clock.advance(10)
  return { world, graph, runs, owner, other, handle }
}

describe('from a process that is not the owner', () => {
  test('cancel works', async () => {
    const { world, other, handle } = await twoProcesses(untilAborted)
    const outcome = rejectionOf(handle.result())
    await other.cancel('a', new Error('enough'))
    expect(await world.clock.settle(outcome)).toBeInstanceOf(ExecutionCancelledError)
    expect((await other.list()).executions).toMatchObject([
      { status: 'cancelled', error: { name: 'ExecutionCancelledError' } },
    ])
    const told = await world.clock.settle(rejectionOf((await other.get('a'))!.result()))
    expect(told).toMatchObject({ name: 'ExecutionCancelledError', code: 'EXECUTION_CANCELLED' })
  })

  test('delete works', async () => {
    const { world, other, handle } = await twoProcesses(untilAborted)
    const outcome = rejectionOf(handle.result())
    expect(await world.clock.settle(other.delete('a'))).toBe(true)
    await world.clock.settle(outcome)
    await world.clock.advance(1_000)
    expect((await other.list()).executions).toEqual([])
  })

  test('delete leaves no end behind: the execution goes in the place of one', async () => {
    const world = new World()
    const { line: graph } = line({ second: { run: untilAborted } })
    const watched = new WatchedStore(world.store)
    const owner = world.process({ graphs: [graph], store: watched.store })
    const other = world.process({ graphs: [graph], takeOver: false })
    const handle = await owner.start(graph, Third, inputs, { id: 'a' })
    await world.clock.advance(10)
    const outcome = rejectionOf(handle.result())
    expect(await world.clock.settle(other.delete('a'))).toBe(true)
    const error = await world.clock.settle(outcome)
    expect(error).toBeInstanceOf(ExecutionCancelledError)
    expect((error as Error).message).toBe('execution "a" was deleted on request')
    const commits = watched.calls
      .filter(({ name }) => name === 'commit')
      .flatMap(({ given }) => given[0] as ExecutionCommit[])
    expect(commits.flatMap(({ head }) => head?.status ?? [])).toEqual([])
    expect(watched.calls.filter(({ name }) => name === 'delete')).toHaveLength(1)
  })

  test('delete works once the owner may: what the store refuses it is tried again', async () => {
    const world = new World()
    const { line: graph } = line({ second: { run: () => door().promise } })
    const watched = new WatchedStore(world.store)
    const owner = world.process({ graphs: [graph], store: watched.store })
    const handle = await owner.start(graph, Third, inputs, { id: 'a' })
    await world.clock.advance(10)
    const outcome = rejectionOf(handle.result())
    await handle.cancel()
    await outcome
    let refusals = 0
    watched.before = async (call) => {
      // Somebody else's, it seems, for the moment.
      if (call.name !== 'acquire' || (call.given[0] as AcquireRequest).andEnded !== true || refusals === 2) return
      refusals++
      ;(call.given[0] as { ids: readonly string[] }).ids = []
    }
    await world.store.post([
      { execution: 'a', class: 'control', kind: 'delete', andEnded: true, payload: undefined, at: world.clock.now() },
    ])
    await world.clock.advance(5_000)
    expect(refusals).toBe(2)
    expect(await world.store.get(['a'])).toEqual([undefined])
  })

  test('delete works, also while a function that does not listen runs on', async () => {
    const { world, other, handle } = await twoProcesses(() => door().promise)
    const outcome = rejectionOf(handle.result())
    expect(await world.clock.settle(other.delete('a'))).toBe(true)
    await world.clock.settle(outcome)
    await world.clock.advance(1_000)
    expect((await other.list()).executions).toEqual([])
  })

  test('retry works, also while a function of the failed life still runs with its owner', async () => {
    const gates = [door(), door()]
    let turn = 0
    const { world, other, runs, handle } = await twoProcesses(() => gates[turn++]!.promise)
    const outcome = rejectionOf(handle.result())
    await handle.cancel()
    await outcome
    const retrying = other.retry('a')
    await world.clock.advance(2_000)
    gates[0]!.reject(new Error('stopped at last'))
    const retried = await world.clock.settle(retrying)
    gates[1]!.resolve(10)
    expect(await world.clock.settle(retried.result())).toBe(11)
    expect(runs).toEqual(['First', 'Second', 'Second', 'Third'])
  })

  test('retry gives the outcome of the new life, never that of the one before', async () => {
    const gates = [door(), door()]
    let turn = 0
    const { world, graph, other, handle } = await twoProcesses(() => gates[turn++]!.promise)
    const outcome = rejectionOf(handle.result())
    await handle.cancel()
    await outcome
    const retried = other.retry('a').then((again) => again.result())
    const started = other.execute(graph, Third, inputs, { id: 'a' })
    const outcomes = Promise.allSettled([retried, started])
    await world.clock.advance(2_000)
    gates[0]!.reject(new Error('stopped at last'))
    await world.clock.advance(2_000)
    gates[1]!.resolve(10)
    expect(await world.clock.settle(outcomes)).toMatchObject([{ value: 11 }, { value: 11 }])
  })

  test('cancel of an execution that has ended does nothing, and of one that is not there is refused', async () => {
    const { world, other, handle } = await twoProcesses((value) => value)
    await world.clock.settle(handle.result())
    await other.cancel('a')
    expect((await other.list()).executions).toMatchObject([{ status: 'completed' }])
    await expect(other.cancel('nobody')).rejects.toThrow(ExecutionConflictError)
  })
})

async function orphan() {
  const world = new World()
  const { line: graph, runs } = line({ second: { run: () => door().promise } })
  const { docket, die } = world.mortal({ graphs: [graph] })
  await docket.start(graph, Third, inputs, { id: 'a' })
  await world.clock.advance(10)
  die()
  await world.clock.advance(10_000)
  const idle = world.process({ graphs: [line({ name: 'stranger' }).line], takeOver: false })
  return { world, idle, runs }
}

describe('an execution without a living owner', () => {
  test('is cancelled directly, by a process that does not even know its graph', async () => {
    const { idle } = await orphan()
    await idle.cancel('a')
    expect((await idle.list()).executions).toMatchObject([{ status: 'cancelled' }])
  })

  test('is deleted directly', async () => {
    const { idle } = await orphan()
    expect(await idle.delete('a')).toBe(true)
    expect((await idle.list()).executions).toEqual([])
  })
})

describe('a delete message that was left to another process', () => {
  const ways: Readonly<Record<string, (docket: Docket, graph: Graph) => Promise<unknown>>> = {
    'a look for work': (docket) => docket.resume(),
    'a start': (docket, graph) => docket.start(graph, Third, inputs, { id: 'a' }),
  }
  test.each(Object.keys(ways))('is there still where the store refuses that to %s, and done then', async (way) => {
    const world = new World()
    const { line: graph, runs } = line({ second: { run: () => door().promise } })
    const { docket, die } = world.mortal({ graphs: [graph] })
    await docket.start(graph, Third, inputs, { id: 'a' })
    await world.clock.advance(10)
    die()
    await world.store.post([
      { execution: 'a', class: 'control', kind: 'delete', andEnded: true, payload: undefined, at: world.clock.now() },
    ])
    await world.clock.advance(10_000)
    let refusals = 2
    const store = alteredStore(world.store, (method, ask) =>
      method === 'delete' && refusals-- > 0 ? Promise.resolve([false]) : ask(),
    )
    const heir = world.process({ graphs: [graph], store })
    await world.clock.settle(ways[way]!(heir, graph))
    await world.clock.advance(2_000)
    expect(refusals).toBeLessThan(0)
    expect(await world.store.get(['a'])).toEqual([undefined])
    expect(runs).toEqual(['First', 'Second'])
  })
})

describe('a cancel message', () => {
  test('reaches the process that takes over from an owner that died before it read it', async () => {
    const world = new World()
    const { line: graph, runs } = line({ second: { run: () => door().promise } })
    const { docket, die } = world.mortal({ graphs: [graph] })
    await docket.start(graph, Third, inputs, { id: 'a' })
    await world.clock.advance(10)
    die()
    const other = world.process({ graphs: [graph] })
    await other.cancel('a')
    await world.clock.advance(10_000)
    expect((await other.list()).executions).toMatchObject([{ status: 'cancelled' }])
    expect(runs).not.toContain('Third')
  })

  test('that nobody read does not hit a later life', async () => {
    const world = new World()
    const gates = [door(), door()]
    let turn = 0
    const { line: graph } = line({ second: { run: () => gates[turn++]!.promise } })
    const owner = world.process({ graphs: [graph] })
    const handle = await owner.start(graph, Third, inputs, { id: 'a' })
    const outcome = rejectionOf(handle.result())
    await world.clock.advance(10)
    // Two ask for the same at the same time; one message is enough to end it.
    const other = world.process({ graphs: [graph] })
    await Promise.all([other.cancel('a'), other.cancel('a'), other.cancel('a')])
    gates[0]!.reject(new Error('stopped'))
    await world.clock.settle(outcome)
    await world.store.post([
      { execution: 'a', class: 'control', kind: 'cancel', andEnded: true, payload: undefined, at: world.clock.now() },
    ])
    const again = await world.clock.settle(owner.retry('a'))
    await world.clock.advance(5_000)
    gates[1]!.resolve(10)
    expect(await world.clock.settle(again.result())).toBe(11)
  })

  test('is heard however many messages wait that nobody takes, of this execution and of others', async () => {
    const world = new World()
    const { line: graph } = line({ second: { run: untilAborted } })
    const owner = world.process({ graphs: [graph] })
    const ids = Array.from({ length: 150 }, (_, index) => `e${index}`)
    const handles = await Promise.all(ids.map((id) => owner.start(graph, Third, inputs, { id })))
    await world.clock.advance(10)
    const waiting = { class: 'data', kind: 'signal', payload: undefined, at: world.clock.now() } as const
    await world.store.post(ids.flatMap((execution) => [1, 2].map(() => ({ execution, ...waiting }))))
    await world.store.post(Array.from({ length: 1_500 }, () => ({ execution: 'e149', ...waiting })))
    await world.clock.advance(1_000)
    const outcome = rejectionOf(handles[149]!.result())
    const other = world.process({ graphs: [graph], takeOver: false })
    await other.cancel('e149')
    expect(await world.clock.settle(outcome)).toBeInstanceOf(ExecutionCancelledError)
    for (const handle of handles.slice(0, 149)) handle.result().catch(() => {})
  })

  test('reaches the process that takes over, however many messages its owner left', async () => {
    const world = new World()
    const { line: graph, runs } = line({ second: { run: () => door().promise } })
    const { docket, die } = world.mortal({ graphs: [graph] })
    await docket.start(graph, Third, inputs, { id: 'a' })
    await docket.start(graph, Third, inputs, { id: 'b' })
    await world.clock.advance(10)
    die()
    const waiting = { class: 'data', kind: 'signal', payload: undefined, at: world.clock.now() } as const
    await world.store.post(Array.from({ length: 1_200 }, () => ({ execution: 'a', ...waiting })))
    const other = world.process({ graphs: [graph] })
    await other.cancel('b')
    await world.clock.advance(10_000)
    expect(await (await other.get('b'))!.details()).toMatchObject({ status: 'cancelled' })
    expect(runs).not.toContain('Third')
  })

  test('that came before a retry is consumed by it; what steps wait for stays', async () => {
    const world = new World()
    const { line: graph } = line({ second: { run: untilAborted } })
    const owner = world.process({ graphs: [graph] })
    const handle = await owner.start(graph, Third, inputs, { id: 'a' })
    const outcome = rejectionOf(handle.result())
    await world.clock.advance(10)
    const at = world.clock.now()
    for (const payload of ['1', '2'])
      await world.store.post([{ execution: 'a', class: 'data', kind: 'signal', payload, at }])
    await handle.cancel()
    await outcome
    await world.store.post(
      Array.from({ length: 1_100 }, () => ({
        execution: 'a',
        class: 'control',
        kind: 'cancel',
        andEnded: true,
        payload: undefined,
        at,
      })),
    )
    const again = await world.clock.settle(owner.retry('a'))
    await world.clock.advance(5_000)
    expect((await again.details()).status).toBe('running')
    const [record] = await world.store.get(['a'])
    const mail = await world.store.readMail({ owner: record!.owner!, limit: 5_000 })
    expect(mail.map(({ kind, payload }) => [kind, payload])).toEqual([
      ['signal', '1'],
      ['signal', '2'],
    ])
  })

  test('is read once', async () => {
    const { world, other, handle, owner } = await twoProcesses(untilAborted)
    const outcome = rejectionOf(handle.result())
    await other.cancel('a')
    await world.clock.settle(outcome)
    const again = await world.clock.settle(owner.retry('a'))
    await world.clock.advance(5_000)
    expect((await again.details()).status).toBe('running')
  })
})
