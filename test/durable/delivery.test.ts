import { expect, test } from 'vitest'
import { dataType, graph, step, StoreError } from '../../src/index.ts'
import type { ExecutionCommit } from '../../src/core/contracts/execution-record.ts'
import type { NewMessage } from '../../src/core/contracts/message.ts'
import type { OutgoingMessage } from '../../src/core/contracts/outbox.ts'
import { z } from 'zod'
import { alteredStore } from './altered-store.ts'
import { World } from './durable-time.ts'

const Seed = dataType('Seed', z.number())
const Done = dataType('Done', z.number())
const endless = graph({
  name: 'endless',
  steps: [
    step({
      name: 'Wait',
      inputs: { seed: Seed },
      output: Done,
      run: (_, { signal }): Promise<never> =>
        new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error))),
    }),
  ],
})

/** What another process has written, and died before it was delivered. */
async function leave(world: World, outgoing: readonly OutgoingMessage[]): Promise<void> {
  const { store, clock } = world
  await store.renewOwner('gone', 1_000)
  const content = { graph: 'none', target: 'None', requestDigest: 'd', inputs: '{}', headers: {}, graphHash: 'h' }
  const times = { createdAt: clock.now(), startedAt: clock.now(), timeoutMs: undefined, deadline: undefined }
  const id = `cause of ${outgoing[0]!.entry}`
  await store.create([
    {
      id,
      kind: 'execution',
      machineVersion: 1,
      parent: undefined,
      forkedFrom: undefined,
      queue: 'default',
      priority: 0,
      key: '',
      startAt: undefined,
      owner: 'gone',
      ...content,
      ...times,
    },
  ])
  const head = { status: 'completed', output: '1', endedAt: clock.now(), isReleased: true } as const
  const commit: ExecutionCommit = { id, owner: 'gone', epoch: 1, at: clock.now(), steps: [], head, outgoing }
  expect(await store.commit([commit])).toEqual([true])
}

function cancel(world: World, entry: string, execution: string): OutgoingMessage {
  return {
    entry,
    id: `id of ${entry}`,
    execution,
    class: 'control',
    kind: 'cancel',
    payload: undefined,
    at: world.clock.now(),
  }
}

async function outbox(world: World): Promise<readonly string[]> {
  return (await world.store.readOutbox({ before: Infinity, limit: 1_000 })).map(({ entry }) => entry)
}

test('what a process has caused and died before delivering is delivered by another one, and nothing of it stays', async () => {
  const world = new World()
  const docket = world.process({ graphs: [endless] })
  const handle = await world.clock.settle(docket.start(endless, Done, { Seed: 1 }, { id: 'a' }))
  await leave(world, [cancel(world, 'x', 'a')])
  await world.clock.advance(1_000)
  // It might be on its way.
  expect(await outbox(world)).toEqual(['x'])
  await world.clock.advance(5_000)
  expect(await world.clock.settle(handle.result().catch((error: unknown) => error))).toMatchObject({
    code: 'EXECUTION_CANCELLED',
  })
  expect(await outbox(world)).toEqual([])
})

test('a message to an execution that is gone or has ended is confirmed', async () => {
  const world = new World()
  const docket = world.process({ graphs: [endless] })
  const handle = await world.clock.settle(docket.start(endless, Done, { Seed: 1 }, { id: 'a' }))
  await world.clock.settle(handle.cancel())
  await leave(world, [cancel(world, 'x', 'a'), cancel(world, 'y', 'nobody')])
  await world.clock.advance(6_000)
  expect(await outbox(world)).toEqual([])
})

test('very many are delivered in portions, each once at its receiver though some are delivered twice', async () => {
  const world = new World()
  const docket = world.process({ graphs: [endless] })
  await world.clock.settle(docket.start(endless, Done, { Seed: 1 }, { id: 'a' }))
  const note = { class: 'data', kind: 'note' } as const
  await leave(
    world,
    Array.from({ length: 350 }, (_, index) => ({ ...cancel(world, `x${index}`, 'a'), ...note })),
  )
  const portions: number[] = []
  let lost = 2
  const forgetful = alteredStore(world.store, async (method, ask, given) => {
    if (method === 'post') portions.push((given[0] as readonly unknown[]).length)
    // Its answer is lost twice: they are posted again.
    if (method === 'confirmOutbox' && lost-- > 0) return undefined
    return ask()
  })
  world.process({ graphs: [endless], store: forgetful, takeOver: false })
  await world.clock.advance(20_000)
  expect(await outbox(world)).toEqual([])
  expect(Math.max(...portions)).toBeLessThanOrEqual(100)
  const [record] = await world.store.get(['a'])
  const mail = await world.store.readMail({ owner: record!.owner!, limit: 1_000 })
  expect(mail).toHaveLength(350)
})

test('one that the store refuses for good keeps no other', async () => {
  const world = new World()
  const refusing = alteredStore(world.store, (method, ask, given) => {
    const isBad = method === 'post' && (given[0] as readonly NewMessage[]).some(({ execution }) => execution === 'bad')
    if (isBad) throw new StoreError('memory', 'that mailbox is damaged', false)
    return ask()
  })
  const docket = world.process({ graphs: [endless], store: refusing })
  const handle = await world.clock.settle(docket.start(endless, Done, { Seed: 1 }, { id: 'a' }))
  await leave(world, [cancel(world, 'x', 'bad'), cancel(world, 'y', 'a')])
  await world.clock.advance(10_000)
  expect((await world.clock.settle(handle.details())).status).toBe('cancelled')
  expect(await outbox(world)).toEqual(['x'])
})
