import { expect, test } from 'vitest'
import { dataType, durableStep, graph, signal, step, type } from '../../src/index.ts'
import type { Docket } from '../../src/index.ts'
import type { NewMessage } from '../../src/core/contracts/message.ts'
import type { Store, StoreHint } from '../../src/core/contracts/store.ts'
import { alteredStore } from './altered-store.ts'
import { World } from './durable-time.ts'

const Note = dataType('Note', type<string>())
const Notes = dataType('Notes', type<readonly string[]>())
const Go = dataType('Go', type<string>())
const Gone = dataType('Gone', type<string>())

const signalled = graph({
  name: 'signalled',
  steps: [
    signal(Go),
    step({ name: 'Leave', inputs: { go: Go }, output: Gone, persist: 'execution', run: ({ go }) => `gone ${go}` }),
  ],
})
const noted = graph({
  name: 'noted',
  steps: [
    durableStep({
      name: 'Collect',
      output: Notes,
      receives: [Note],
      run: async (_, context) => {
        const notes: string[] = []
        while (notes.length < 4) notes.push((await context.receive(Note)).value)
        return notes
      },
    }),
  ],
})

/** A store that gives an owner in its own process what is posted there, and says nothing of what others post. */
function giving(inner: Store, reads: { count: number; held?: Promise<void> }): Store {
  const listeners: ((hint: StoreHint) => void)[] = []
  const last = new Map<string, number>()
  const post = async (messages: readonly NewMessage[], ask: () => unknown): Promise<unknown> => {
    const verdicts = await ask()
    for (const { execution } of messages) {
      const [record] = await inner.get([execution])
      const owner = record?.owner
      if (owner === undefined) continue
      const unread = await inner.readMail({ owner, executions: [execution], limit: 100 })
      const message = unread.at(-1)!
      const after = Math.max(0, ...unread.slice(0, -1).map(({ seq }) => seq), last.get(execution) ?? 0)
      last.set(execution, message.seq)
      for (const listener of listeners) listener({ type: 'mail', owner, posted: { message, after } })
    }
    return verdicts
  }
  return alteredStore(inner, (method, ask, [given]) => {
    if (method === 'subscribe') {
      listeners.push(given as (hint: StoreHint) => void)
      return async () => {}
    }
    if (method === 'post') return post(given as readonly NewMessage[], ask)
    if (method === 'readMail') reads.count++
    return method === 'readMail' && reads.held !== undefined ? reads.held.then(ask) : ask()
  })
}

function begun(): { world: World; reads: { count: number; held?: Promise<void> }; docket: Docket; other: Docket } {
  const world = new World()
  const reads = { count: 0 }
  const graphs = [signalled, noted]
  const docket = world.process({ graphs, store: giving(world.store, reads) })
  return { world, reads, docket, other: world.process({ graphs, takeOver: false }) }
}

test('a signal that is sent in the process that has the execution is taken without being read again', async () => {
  const { world, reads, docket } = begun()
  const handle = await world.clock.settle(docket.start(signalled, Gone, {}, { id: 'a' }))
  const { count } = reads
  expect(await world.clock.settle(handle.signal(Go, 'home', { id: 'one' }))).toBe('accepted')
  expect(await world.clock.settle(handle.result())).toBe('gone home')
  expect(reads.count).toBe(count)
  const [record] = await world.store.get(['a'])
  expect(await world.store.readMail({ owner: record!.owner ?? '', limit: 10 })).toEqual([])
})

test('messages that are sent in the process that has the execution come after those that others have sent before', async () => {
  const { world, docket, other } = begun()
  const handle = await world.clock.settle(docket.start(noted, Notes, {}, { id: 'a' }))
  const elsewhere = (await world.clock.settle(other.get('a')))!
  for (const [before, after] of [
    ['one', 'two'],
    ['three', 'four'],
  ] as const) {
    await world.clock.advance(1_000)
    const sent = [elsewhere.signal(Note, before), handle.signal(Note, after)]
    expect(await world.clock.settle(Promise.all(sent))).toEqual(['accepted', 'accepted'])
  }
  await world.clock.advance(1_000)
  expect(await world.clock.settle(handle.result())).toEqual(['one', 'two', 'three', 'four'])
})

test('a message to an execution that is gone since is not taken for the one that has its id now', async () => {
  const { world, reads, docket } = begun()
  const handle = await world.clock.settle(docket.start(signalled, Gone, {}, { id: 'a' }))
  const { promise, resolve } = Promise.withResolvers<void>()
  reads.held = promise
  await world.clock.advance(1_000)
  expect(await world.clock.settle(handle.signal(Go, 'home', { id: 'one' }))).toBe('accepted')
  await world.clock.settle(handle.cancel())
  await world.clock.advance(10)
  expect(await world.clock.settle(docket.purge({ olderThan: 0 }))).toBe(1)
  const next = await world.clock.settle(docket.start(signalled, Gone, {}, { id: 'a' }))
  resolve()
  await world.clock.advance(1_000)
  expect(await world.clock.settle(next.signal(Go, 'out', { id: 'two' }))).toBe('accepted')
  expect(await world.clock.settle(next.result())).toBe('gone out')
})
