import { expect, test } from 'vitest'
import { dataType, graph, optional, signal, step, subgraph, timer, type } from '../../src/index.ts'
import type { ExecutionCommit } from '../../src/core/contracts/execution-record.ts'
import { alteredStore } from './altered-store.ts'
import { World } from './durable-time.ts'
import { minute } from './parked-orders.ts'

const Approval = dataType('Approval', type<string>())
const Proof = dataType('Proof', type<string>())
const Expiry = dataType('Expiry', type<{ dueAt: Date }>())
const Paid = dataType('Paid', type<string>())

const proofs = graph({ name: 'proofs', steps: [signal(Proof)] })

const payments = graph({
  name: 'payments',
  steps: [
    signal(Approval),
    timer({ name: 'Expire', inputs: {}, output: Expiry, after: '1h' }),
    subgraph(proofs, Proof),
    step({
      name: 'Pay',
      inputs: { approval: Approval, expiry: Expiry, proof: optional(Proof) },
      output: Paid,
      run: ({ approval, proof }) => `${approval}, ${proof ?? 'without proof'}`,
    }),
  ],
})

function isEnd({ id, head }: ExecutionCommit): boolean {
  return id === 'a' && (head?.status === 'compensating' || head?.status === 'cancelled')
}

test('what an end has stopped that is not on record waits on elsewhere: for its value, its child, and until the time that it had', async () => {
  const world = new World()
  const { clock } = world
  const beganAt = clock.now()
  const graphs = [payments, proofs]
  // That it ends is on record before its child is cancelled: the process dies before that.
  const fatal = alteredStore(world.store, (method, ask, [commits]) => {
    if (method !== 'commit' || !(commits as readonly ExecutionCommit[]).some(isEnd)) return ask()
    die()
    return new Promise(() => {})
  })
  const { docket, die } = world.mortal({ graphs, lease: '2s', park: '1d' }, fatal)
  const handle = await clock.settle(docket.start(payments, Paid, {}, { id: 'a' }))
  handle.result().catch(() => {})
  await clock.advance(10 * minute)
  void handle.cancel().catch(() => {})
  await clock.advance(100)
  const next = world.process({ graphs, lease: '2s', park: '1d' })
  await clock.advance(10_000)
  const found = (await clock.settle(next.get('a')))!
  const { steps } = await clock.settle(found.details())
  expect(steps.find(({ step }) => step === 'Expire')).toMatchObject({
    status: 'waiting',
    dueAt: new Date(beganAt + 60 * minute),
  })
  expect(await clock.settle(found.signal(Approval, 'by Ada'))).toBe('accepted')
  const [child] = (await clock.settle(next.list({ parent: 'a' }))).executions
  expect(await clock.settle((await clock.settle(next.get(child!.id)))!.signal(Proof, 'signed'))).toBe('accepted')
  await clock.advance(50 * minute)
  expect(await clock.settle(found.result())).toBe('by Ada, signed')
})
