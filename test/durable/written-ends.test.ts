import { describe, expect, onTestFinished, test, vi } from 'vitest'
import type { ExecutionCommit, NewExecution } from '../../src/core/contracts/execution-record.ts'
import { LeaseLostError, StepError, StoreError } from '../../src/index.ts'
import type { Docket, ExecutionHandle } from '../../src/index.ts'
import { rejectionOf } from '../loose-api.ts'
import { alteredStore } from './altered-store.ts'
import { World } from './durable-time.ts'
import { door, line, Third } from './line.ts'
import type { LineOptions } from './line.ts'
import { outage, refusal, WatchedStore } from './watched-store.ts'
import type { StoreCall } from './watched-store.ts'

const inputs = { Seed: 1 }

function untilAborted(_: number, { signal }: { readonly signal: AbortSignal }): Promise<number> {
  return new Promise((_resolve, reject) =>
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true }),
  )
}

function endsIn(call: StoreCall): string | undefined {
  if (call.name !== 'commit') return undefined
  return (call.given[0] as readonly ExecutionCommit[])
    .map(({ head }) => head?.status)
    .find((s) => s !== undefined && s !== 'running')
}

type Graph = ReturnType<typeof line>['line']
type Start = (docket: Docket, graph: Graph) => Promise<ExecutionHandle<unknown>>

const kinds: readonly [string, Start, unknown][] = [
  ['an execution', (docket, graph) => docket.start(graph, Third, inputs, { id: 'a' }), 201],
  ['a batch', (docket, graph) => docket.startBatch(graph, Third, [inputs, { Seed: 2 }], { id: 'a' }), [201, 301]],
]

/** A process that can be cut off from the store, and one whose graph completes what the first one leaves. */
async function cutOff(start: Start, second: LineOptions['second']) {
  const world = new World()
  const watched = new WatchedStore(world.store)
  const { line: graph } = line({ second: second! })
  const first = world.process({ graphs: [graph], store: watched.store, lease: '5s' })
  const handle = await world.clock.settle(start(first, graph))
  await world.clock.advance(10)
  const other = world.process({ graphs: [line({ second: { run: (value) => value * 100 } }).line], lease: '5s' })
  await world.clock.advance(10)
  return { world, watched, first, other, handle }
}

function endsSeen({ events }: World): readonly unknown[] {
  return events.filter(({ type }) => type === 'execution.ended').map((event) => (event as { status: string }).status)
}

describe.each(kinds)('the end of %s that is lost before it is written', (_, start, value) => {
  test('by a cancellation is not reported: the result is what the next owner makes', async () => {
    const { world, watched, first, other, handle } = await cutOff(start, { run: untilAborted })
    watched.cut()
    const cancelled = rejectionOf(first.cancel('a'))
    await world.clock.advance(60_000)
    const error = await cancelled
    expect(error).toBeInstanceOf(LeaseLostError)
    expect((error as Error).message).toContain('docket.get("a")')
    expect((error as Error).cause).toBeInstanceOf(StoreError)
    watched.mend()
    expect(await world.clock.settle(handle.result())).toEqual(value)
    expect((await other.list()).executions).toMatchObject([{ status: 'completed' }])
    expect(endsSeen(world)).toEqual(['completed'])
    expect(world.events).toContainEqual(expect.objectContaining({ type: 'execution.released', cause: 'lease-lost' }))
  })

  test('by a failure is not reported: the result is what the next owner makes', async () => {
    const gate = door()
    const { world, watched, handle } = await cutOff(start, { run: () => gate.promise })
    const result = handle.result()
    watched.cut()
    gate.reject(new Error('card refused'))
    await world.clock.advance(20_000)
    watched.mend()
    expect(await world.clock.settle(result)).toEqual(value)
    expect(endsSeen(world)).toEqual(['completed'])
  })

  test('is not known while the store is away, and the error says so', async () => {
    const gate = door()
    const { world, watched, handle } = await cutOff(start, { run: () => gate.promise })
    watched.cut()
    gate.reject(new Error('card refused'))
    const error = await world.clock.settle(rejectionOf(handle.result()))
    expect(error).toMatchObject({ code: 'LEASE_LOST', executionId: 'a' })
    expect((error as Error).message).toContain('it is not known how')
  })
})

describe.each(kinds)('the end of %s', (_, start) => {
  test('is seen by nobody before it is written', async () => {
    const gate = door()
    const world = new World()
    const watched = new WatchedStore(world.store)
    const { line: graph } = line({ second: { run: () => gate.promise } })
    const docket = world.process({ graphs: [graph], store: watched.store })
    const handle = await world.clock.settle(start(docket, graph))
    await world.clock.advance(10)
    let isSettled = false
    const result = rejectionOf(handle.result()).finally(() => (isSettled = true))
    const statuses: string[] = []
    handle.subscribe(({ status }) => statuses.push(status))
    watched.before = (call) => {
      if (call.name === 'commit') throw outage()
    }
    gate.reject(new Error('card refused'))
    await world.clock.advance(60_000)
    expect(isSettled).toBe(false)
    expect(endsSeen(world)).toEqual([])
    expect(statuses).not.toContain('error')
    watched.mend()
    expect(await world.clock.settle(result)).toBeInstanceOf(Error)
    expect(endsSeen(world)).toEqual(['failed'])
  })

  test('completed, is seen by nobody before it is written', async () => {
    const world = new World()
    const watched = new WatchedStore(world.store)
    const { line: graph } = line()
    const docket = world.process({ graphs: [graph], store: watched.store })
    watched.before = (call) => {
      if (endsIn(call) === 'completed') throw outage()
    }
    const handle = await world.clock.settle(start(docket, graph))
    let isSettled = false
    const result = handle.result().finally(() => (isSettled = true))
    await world.clock.advance(20_000)
    expect(isSettled).toBe(false)
    expect(endsSeen(world)).toEqual([])
    watched.mend()
    await world.clock.settle(result)
    expect(endsSeen(world)).toEqual(['completed'])
  })

  test('is written without its error where the store refuses that alone', async () => {
    const world = new World()
    const watched = new WatchedStore(world.store)
    const { line: graph } = line({ second: { run: () => Promise.reject(new Error('unstorable')) } })
    watched.before = ({ name, given }) => {
      if (name === 'commit' && JSON.stringify(given).includes('unstorable')) throw refusal()
    }
    const docket = world.process({ graphs: [graph], store: watched.store })
    const handle = await world.clock.settle(start(docket, graph))
    await world.clock.settle(rejectionOf(handle.result()))
    const { status, error } = await (await docket.get('a'))!.details()
    expect(status).toBe('failed')
    expect(error).toBeInstanceOf(StoreError)
    expect((error as Error).message).toContain('the store refused what it ended with')
  })

  test('is not reported while the store refuses every record of it, and is written once it does not', async () => {
    const warn = vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
    onTestFinished(() => warn.mockRestore())
    const world = new World()
    const watched = new WatchedStore(world.store)
    const { line: graph } = line({ second: { run: () => Promise.reject(new Error('card refused')) } })
    watched.before = (call) => {
      if (endsIn(call) === 'failed') throw refusal()
    }
    const docket = world.process({ graphs: [graph], store: watched.store })
    const handle = await world.clock.settle(start(docket, graph))
    let isSettled = false
    const result = rejectionOf(handle.result()).finally(() => (isSettled = true))
    await world.clock.advance(60_000)
    expect(isSettled).toBe(false)
    // Why it is still running can be seen.
    const { status, situation } = await handle.details()
    expect(status).toBe('running')
    expect(situation).toBe(
      `it has failed in this process, and that is not written yet, which the store refuses (${refusal().message}); it is tried again until the store takes it`,
    )
    expect(warn.mock.calls.map(([warning]) => String(warning))).toEqual([
      expect.stringContaining('writing that execution "a" is failed is refused, and tried again'),
    ])
    watched.mend()
    expect(await world.clock.settle(result)).toBeInstanceOf(StepError)
    const { error } = await (await docket.get('a'))!.details()
    expect(((error as Error).cause as Error).message).toBe('card refused')
  })

  test('that can’t be written before the docket is closed is left to others', async () => {
    const world = new World()
    const watched = new WatchedStore(world.store)
    const { line: graph } = line({ second: { run: () => Promise.reject(new Error('card refused')) } })
    watched.before = (call) => {
      if (endsIn(call) === 'failed') throw refusal()
    }
    const docket = world.process({ graphs: [graph], store: watched.store })
    const handle = await world.clock.settle(start(docket, graph))
    const result = rejectionOf(handle.result())
    await world.clock.advance(1_000)
    await world.clock.settle(docket.close({ deadline: '1s' }))
    expect(await result).toMatchObject({ code: 'DOCKET_CLOSED' })
    expect(endsSeen(world)).toEqual([])
  })
})

/** A codec that takes its time: what is consumed by itself is consumed before the end is written. */
function slowCodec({ clock }: World) {
  const later = (bytes: Uint8Array): Promise<Uint8Array> =>
    new Promise((resolve) => void clock.setTimeout(() => resolve(bytes), 100))
  return { name: 'slow', encode: later, decode: later }
}

async function ownerAndOther(start: Start, second: LineOptions['second'], isSlow = false) {
  const world = new World()
  const codecs = isSlow ? [slowCodec(world)] : []
  const watched = new WatchedStore(world.store)
  const { line: graph } = line({ second: second! })
  const owner = world.process({ graphs: [graph], store: watched.store, codecs })
  await world.clock.settle(start(owner, graph))
  await world.clock.advance(1_000)
  const { line: healthy, runs } = line()
  const other = world.process({ graphs: [healthy], codecs })
  await world.clock.advance(10)
  const die = (): void => void (watched.before = () => new Promise(() => {}))
  return { world, watched, owner, other, runs, die }
}

describe('a message', () => {
  test.each(kinds)(
    'to cancel %s is left for the next owner by one that dies before the end is written',
    async (_, start) => {
      const { world, watched, other, runs, die } = await ownerAndOther(start, { run: untilAborted }, true)
      let isDying = false
      watched.before = (call) => {
        if (endsIn(call) !== 'cancelled') return undefined
        isDying = true
        die()
        return new Promise(() => {})
      }
      await world.clock.settle(other.cancel('a', new Error('the customer withdrew')))
      await world.clock.advance(20_000)
      expect(isDying).toBe(true)
      const { status, error } = await world.clock.settle((await other.get('a'))!.details())
      expect(status).toBe('cancelled')
      expect(((error as Error).cause as Error).message).toBe('the customer withdrew')
      expect(runs).toEqual([])
    },
  )

  test.each(kinds)('to delete %s is done by its sender where the owner dies before', async (_, start) => {
    const { world, watched, other, runs, die } = await ownerAndOther(start, { run: untilAborted })
    watched.before = (call) => {
      if (call.name !== 'delete') return undefined
      die()
      return new Promise(() => {})
    }
    expect(await world.clock.settle(other.delete('a'))).toBe(true)
    expect(await world.store.get(['a'])).toEqual([undefined])
    expect(runs).toEqual([])
    expect((await other.list()).executions).toEqual([])
  })

  test('whose effect is not written yet hides none of the others', async () => {
    const world = new World()
    const watched = new WatchedStore(world.store)
    const { line: graph } = line({ second: { run: untilAborted } })
    const owner = world.process({ graphs: [graph], store: watched.store, work: { default: 1_000 } })
    const ids = Array.from({ length: 150 }, (_, index) => `e${index}`)
    const handles = await Promise.all(ids.map((id) => owner.start(graph, Third, inputs, { id })))
    await world.clock.advance(10)
    watched.before = async (call) => {
      // All but the last have an end that can't be written.
      if (call.name !== 'commit') return
      const commits = call.given[0] as readonly ExecutionCommit[]
      if (commits.some(({ id, head }) => head?.status === 'cancelled' && id !== 'e149')) throw refusal()
    }
    const last = rejectionOf(handles[149]!.result())
    await world.store.post(
      ids.map((execution) => ({
        execution,
        class: 'control',
        kind: 'cancel',
        payload: undefined,
        at: world.clock.now(),
      })),
    )
    expect(await world.clock.settle(last)).toMatchObject({ code: 'EXECUTION_CANCELLED' })
  })
})

describe('what the store refuses is not reported as done', () => {
  test('a delete of what another process takes at that moment', async () => {
    const world = new World()
    const { line: graph } = line()
    const watched = new WatchedStore(world.store)
    const docket = world.process({ graphs: [graph], store: watched.store })
    await world.clock.settle(docket.execute(graph, Third, inputs, { id: 'a' }))
    const thief = 'thief'
    await world.store.renewOwner(thief, 60_000)
    let isStolen = false
    watched.before = async ({ name }) => {
      if (name !== 'delete' || isStolen) return
      isStolen = true
      const [record] = await world.store.get(['a'])
      await world.store.commit([
        {
          id: 'a',
          owner: record!.owner!,
          epoch: record!.epoch,
          sequence: Number.MAX_SAFE_INTEGER,
          at: 0,
          steps: [],
          head: { isReleased: true },
        },
      ])
      await world.store.acquire({ owner: thief, ids: ['a'], andEnded: true, limit: 1 })
    }
    const deleting = docket.delete('a')
    await world.clock.advance(1_000)
    expect(await world.store.get(['a'])).toMatchObject([{ id: 'a', owner: thief }])
    await world.store.endOwner(thief)
    expect(await world.clock.settle(deleting)).toBe(true)
    expect(await world.store.get(['a'])).toEqual([undefined])
  })
})

/** A memory store that can take part in transactions: what is created in one is there once that has ended well. */
function transactional(world: World) {
  let held: readonly NewExecution[] = []
  const altered = alteredStore(world.store, (method, ask, given) => {
    if (method !== 'create' || given[1] === undefined) return ask()
    held = given[0] as readonly NewExecution[]
    return Promise.resolve(held.map(() => undefined))
  })
  const store = new Proxy(altered, {
    get: (target, key) =>
      key === 'capabilities' ? { transactions: true, isShared: false } : (Reflect.get(target, key) as unknown),
  })
  return { store, commit: () => world.store.create(held) }
}

async function started() {
  const world = new World()
  const { store, commit } = transactional(world)
  const { line: graph } = line()
  const docket = world.process({ graphs: [graph], store })
  const handle = await docket.start(graph, Third, inputs, { id: 'a', transaction: {} })
  return { world, docket, handle, commit }
}

describe('the handle of a start in a transaction', () => {
  test('waits until that is committed', async () => {
    const { world, handle, commit } = await started()
    const all = Promise.all([handle.result(), handle.details()])
    await world.clock.advance(20_000)
    await commit()
    const [value, { id }] = await world.clock.settle(all)
    expect([value, id]).toEqual([4, 'a'])
  })

  test('cancels it once that is committed', async () => {
    const { world, docket, handle, commit } = await started()
    const cancelled = handle.cancel()
    await world.clock.advance(1_000)
    await commit()
    await world.clock.settle(cancelled)
    await world.clock.advance(1_000)
    expect(['cancelled', 'completed']).toContain((await docket.list()).executions[0]!.status)
  })

  test.each(['result', 'details', 'cancel'] as const)('says after 30 s without it why %s has nothing', async (name) => {
    const { world, handle } = await started()
    const beganAt = world.clock.now()
    const error = await world.clock.settle(rejectionOf(handle[name]()))
    expect(error).toMatchObject({ code: 'EXECUTION_CONFLICT' })
    expect((error as Error).message).toContain('the transaction in which it was started was rolled back')
    expect(world.clock.now() - beganAt).toBeGreaterThanOrEqual(30_000)
    expect(world.clock.now() - beganAt).toBeLessThan(32_000)
  })

  test('rejects when the docket is closed meanwhile', async () => {
    const { world, docket, handle } = await started()
    const result = rejectionOf(handle.result())
    await world.clock.advance(1_000)
    await world.clock.settle(docket.close())
    expect(await result).toMatchObject({ code: 'DOCKET_CLOSED' })
  })
})
