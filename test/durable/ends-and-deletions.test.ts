import { expect, test } from 'vitest'
import { dataType, DocketError, graph, step, StoreError, type } from '../../src/index.ts'
import type { Store } from '../../src/index.ts'
import type { ExecutionCommit } from '../../src/core/contracts/execution-record.ts'
import { alteredStore } from './altered-store.ts'
import { World } from './durable-time.ts'

const Quick = dataType('Quick', type<string>())
const Slow = dataType('Slow', type<string>())
const Sum = dataType('Sum', type<string>())

/**
 * An execution whose owner has read a cancellation, or has come to another end, and can't write that yet, since the store holds up what comes before. Then somebody
 * deletes it. What stood in the store is noted.
 */
async function deletedWhileEnding(compensates: boolean) {
  const world = new World()
  const seen: (string | undefined)[] = []
  const held = Promise.withResolvers<void>()
  let holds = false
  const store: Store = alteredStore(world.store, async (method, ask, given) => {
    const commits = method === 'commit' ? (given[0] as readonly ExecutionCommit[]) : []
    if (holds && commits.length > 0) await held.promise
    const answer = await ask()
    if (method === 'commit' || method === 'delete') seen.push((await world.store.get(['a']))[0]?.status)
    return answer
  })
  const slow = Promise.withResolvers<string>()
  const undone: string[] = []
  const declared = graph({
    name: 'sums',
    steps: [
      step({
        name: 'Quick',
        output: Quick,
        persist: 'execution',
        run: async () => {
          await new Promise<void>((resolve) => world.clock.setTimeout(resolve, 1_000))
          holds = true
          return 'quick'
        },
        ...(compensates && { compensate: (value: string | undefined) => void undone.push(String(value)) }),
      }),
      step({ name: 'Slow', output: Slow, run: () => slow.promise }),
      step({
        name: 'Sum',
        inputs: { quick: Quick, slow: Slow },
        output: Sum,
        persist: 'execution',
        run: ({ quick, slow: other }) => quick + other,
      }),
    ],
  })
  const owner = world.process({ graphs: [declared], store })
  const other = world.process({ graphs: [declared], takeOver: false })
  const answer = (await owner.start(declared, Sum, {}, { id: 'a' })).result().catch((error: unknown) => error)
  await world.clock.advance(1_100)
  const deletes = async (): Promise<void> => {
    const deleting = other.delete('a')
    await world.clock.advance(1_000)
    held.resolve()
    expect(await world.clock.settle(deleting)).toBe(true)
  }
  return { world, slow, seen, undone, answer, other, deletes, letGo: () => held.resolve() }
}

const codeOf = (answer: unknown): unknown => (answer instanceof DocketError ? [answer.code, answer.message] : answer)

test.each([false, true])(
  'a cancellation that meets a delete is an answer only where it was written (undone: %s)',
  async (undoes) => {
    const { world, seen, undone, answer, other, deletes } = await deletedWhileEnding(undoes)
    await world.clock.settle(other.cancel('a'))
    await world.clock.advance(2_000)
    await deletes()
    const told = codeOf(await world.clock.settle(answer)) as readonly string[]
    expect(told[0]).toBe('EXECUTION_CANCELLED')
    if (told[1]!.includes('was cancelled')) expect(seen).toContain('cancelled')
    expect(seen.at(-1)).toBeUndefined()
    expect(undone).toEqual(undoes ? ['quick'] : [])
  },
)

test.each([false, true])(
  'a failure that meets a delete is an answer only where it was written (undone: %s)',
  async (undoes) => {
    const { world, seen, undone, answer, slow, deletes } = await deletedWhileEnding(undoes)
    slow.reject(new Error('broken'))
    await world.clock.advance(100)
    await deletes()
    const told = codeOf(await world.clock.settle(answer)) as readonly string[]
    expect(told[0]).toBe('STEP_FAILED')
    expect(seen).toContain('failed')
    expect(seen.at(-1)).toBeUndefined()
    expect(undone).toEqual(undoes ? ['quick'] : [])
  },
)

test.each([false, true])(
  'a result that meets a delete is an answer only where it was written (the last step is persisted: %s)',
  async (isPersisted) => {
    const world = new World()
    const seen: (string | undefined)[] = []
    const store: Store = alteredStore(world.store, async (method, ask) => {
      const answer = await ask()
      if (method === 'commit' || method === 'delete') seen.push((await world.store.get(['a']))[0]?.status)
      return answer
    })
    const encoded = Promise.withResolvers<void>()
    const slowCodec = {
      name: 'slow',
      encode: async (bytes: Uint8Array, identity: string) => {
        if (identity.includes('output')) await encoded.promise
        return bytes
      },
      decode: (bytes: Uint8Array) => bytes,
    }
    const declared = graph({
      name: 'sums',
      steps: [step({ name: 'Sum', output: Sum, run: () => 'done', ...(isPersisted && { persist: 'execution' }) })],
    })
    const owner = world.process({ graphs: [declared], store, codecs: [slowCodec] })
    const other = world.process({ graphs: [declared], takeOver: false, codecs: [slowCodec] })
    const answer = (await owner.start(declared, Sum, {}, { id: 'a' })).result().catch((error: unknown) => error)
    await world.clock.advance(100)
    const deleting = other.delete('a')
    await world.clock.advance(1_000)
    encoded.resolve()
    expect(await world.clock.settle(deleting)).toBe(true)
    const told = codeOf(await world.clock.settle(answer))
    if (told === 'done') expect(seen).toContain('completed')
    else expect(told).toEqual(['EXECUTION_CANCELLED', 'execution "a" was deleted on request'])
    expect(seen.at(-1)).toBeUndefined()
  },
)

test('a deletion that the store refuses at first is an answer once it is done', async () => {
  const world = new World()
  let refusals = 1
  const store: Store = alteredStore(world.store, async (method, ask) => {
    if (method === 'delete' && refusals-- > 0) throw new StoreError('memory', 'it deletes nothing today', false)
    return ask()
  })
  const declared = graph({
    name: 'sums',
    steps: [
      step({
        name: 'Sum',
        output: Sum,
        persist: 'execution',
        run: (_, { signal }) =>
          new Promise<string>((__, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error))),
      }),
    ],
  })
  const owner = world.process({ graphs: [declared], store })
  const other = world.process({ graphs: [declared], takeOver: false })
  const standing: unknown[] = []
  const answer = (await owner.start(declared, Sum, {}, { id: 'a' })).result().catch(async (error: unknown) => {
    standing.push((await world.store.get(['a']))[0])
    return error
  })
  await world.clock.advance(1_000)
  expect(await world.clock.settle(other.delete('a'))).toBe(true)
  expect(codeOf(await world.clock.settle(answer))).toEqual([
    'EXECUTION_CANCELLED',
    'execution "a" was deleted on request',
  ])
  expect(refusals).toBeLessThan(1)
  expect(standing).toEqual([undefined])
})

test('a batch that fails while it is deleted gives its failure as an answer only where it was written', async () => {
  const world = new World()
  const seen: (string | undefined)[] = []
  const held = Promise.withResolvers<void>()
  let holds = false
  const store: Store = alteredStore(world.store, async (method, ask, given) => {
    if (holds && method === 'commit' && (given[0] as readonly unknown[]).length > 0) await held.promise
    const answer = await ask()
    if (method === 'commit' || method === 'delete') seen.push((await world.store.get(['a']))[0]?.status)
    return answer
  })
  const slow = Promise.withResolvers<string>()
  const N = dataType('N', type<number>())
  const declared = graph({
    name: 'sums',
    steps: [
      step({
        name: 'Sum',
        inputs: { n: N },
        output: Sum,
        persist: 'execution',
        run: async ({ n }) => {
          if (n === 1) return slow.promise
          await new Promise<void>((resolve) => world.clock.setTimeout(resolve, 1_000))
          holds = true
          return 'quick'
        },
      }),
    ],
  })
  const owner = world.process({ graphs: [declared], store })
  const other = world.process({ graphs: [declared], takeOver: false })
  const handle = await world.clock.settle(owner.startBatch(declared, Sum, [{ N: 0 }, { N: 1 }], { id: 'a' }))
  const answer = handle.result().catch((error: unknown) => error)
  await world.clock.advance(1_100)
  slow.reject(new Error('broken'))
  await world.clock.advance(100)
  const deleting = other.delete('a')
  await world.clock.advance(1_000)
  held.resolve()
  expect(await world.clock.settle(deleting)).toBe(true)
  expect(codeOf(await world.clock.settle(answer))).toMatchObject(['STEP_FAILED', expect.any(String)])
  expect(seen).toContain('failed')
  expect(seen.at(-1)).toBeUndefined()
})

test('an execution that fails, and is to be deleted once that is undone, fails and is deleted in the process that goes on with it', async () => {
  const world = new World()
  const seen: (string | undefined)[] = []
  const store: Store = alteredStore(world.store, async (method, ask) => {
    const answer = await ask()
    if (method === 'commit' || method === 'delete') seen.push((await world.store.get(['a']))[0]?.status)
    return answer
  })
  const undone: string[] = []
  const sums = (undo: () => unknown) =>
    graph({
      name: 'sums',
      steps: [
        step({
          name: 'Quick',
          output: Quick,
          run: () => 'quick',
          compensate: { run: async () => void undone.push(String(await undo())) },
        }),
        step({
          name: 'Sum',
          inputs: { quick: Quick },
          output: Sum,
          run: () => {
            throw new Error('broken')
          },
        }),
      ],
    })
  const declared = sums(() => new Promise(() => {}))
  const owner = world.mortal({ graphs: [declared], lease: '2s' })
  const deleter = world.mortal({ graphs: [declared], lease: '2s', takeOver: false })
  await owner.docket.start(declared, Sum, {}, { id: 'a' })
  await world.clock.advance(1_000)
  void deleter.docket.delete('a').catch(() => {})
  await world.clock.advance(100)
  owner.die()
  deleter.die()
  const last = world.process({ graphs: [sums(() => 'quick')], store, lease: '2s' })
  await world.clock.advance(10_000)
  expect(undone).toEqual(['quick'])
  expect(seen).toContain('failed')
  expect((await world.store.get(['a']))[0]).toBeUndefined()
  await world.clock.settle(last.close())
})
