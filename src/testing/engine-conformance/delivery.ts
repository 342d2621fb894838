import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import { eventually, heldPermits, wakeOf } from './engine-bench.ts'
import type { EngineGroup } from './engine-bench.ts'

const quietMs = 150

/** `wake`: what reaches a consumer. */
export function deliveryConformance({ options, test, testIf }: EngineGroup): void {
  const { capabilities } = options
  const testDelivery = (title: string, body: Parameters<typeof test>[1]): void =>
    testIf(capabilities.delivers, 'wakes may be lost', title, body)
  const testKept = (title: string, body: Parameters<typeof test>[1]): void =>
    testIf(capabilities.keepsWakes, 'wakes may be lost', title, body)

  test('the engine says what it can', async ({ engine }) => {
    assert.deepEqual(engine.capabilities, capabilities)
  })

  test('wakes are taken by nobody where nobody takes them', async ({ engine }) => {
    await engine.wake([wakeOf('one'), wakeOf('two')])
    await engine.wake([])
  })

  testDelivery('a wake reaches a consumer of its queue, and no other', async ({ engine, consume }) => {
    const taken = await consume(engine)
    const others = await consume(engine, { queue: 'other' })
    await engine.wake([wakeOf('one')])
    await eventually('the wake comes', () => taken.ids.includes('one'))
    await sleep(quietMs)
    assert.deepEqual(others.ids, [])
  })

  testDelivery('a thousand wakes reach consumers', async ({ engine, rival, consume }) => {
    const first = await consume(engine)
    const second = await consume(await rival())
    const ids = Array.from({ length: 1_000 }, (_, index) => `e-${index}`)
    await engine.wake(ids.map((id) => wakeOf(id)))
    await eventually('all wakes come', () => new Set([...first.ids, ...second.ids]).size === ids.length, 20_000)
  })

  testDelivery('a wake is delivered to one consumer of several', async ({ engine, rival, consume }) => {
    if (!capabilities.deduplicates) return
    const first = await consume(engine)
    const second = await consume(await rival())
    await engine.wake([wakeOf('one')])
    await eventually('the wake comes', () => first.ids.length + second.ids.length > 0)
    await sleep(quietMs)
    assert.equal(first.ids.length + second.ids.length, 1)
  })

  testKept('a wake waits for a consumer that comes later', async ({ engine, rival, consume }) => {
    await engine.wake([wakeOf('early')])
    const taken = await consume(await rival())
    await eventually('the wake comes', () => taken.ids.includes('early'))
  })

  testKept('an engine that counts the wakes that wait does so by queue', async ({ engine, rival, consume }) => {
    const waiting = (queue = 'default'): Promise<number | undefined> | undefined => engine.waiting?.(queue)
    if ((await waiting()) === undefined) return
    assert.equal(await waiting(), 0)
    await engine.wake(Array.from({ length: 30 }, (_, index) => wakeOf(`e-${index}`)))
    await engine.wake([wakeOf('far', { queue: 'other' })])
    // One that has them on their way, or has doubled some, may count a few others.
    if (capabilities.deduplicates) assert.deepEqual([await waiting(), await waiting('other')], [30, 1])
    const taken = await consume(await rival())
    await eventually('all come', () => new Set(taken.ids).size === 30)
    await sleep(quietMs)
    assert.equal(await waiting(), 0)
  })

  testIf(
    capabilities.deduplicates,
    'wakes may come twice',
    'five wakes of one epoch that nobody has taken are one',
    async ({ engine, rival, consume }) => {
      const other = await rival()
      for (let count = 0; count < 5; count++) await (count % 2 === 0 ? engine : other).wake([wakeOf('one')])
      const taken = await consume(engine)
      await eventually('the wake comes', () => taken.ids.length > 0)
      await sleep(quietMs)
      assert.deepEqual(taken.ids, ['one'])
    },
  )

  testDelivery(
    'a wake that comes while one of the same epoch is in use comes afterwards',
    async ({ engine, consume }) => {
      const held = heldPermits()
      const taken = await consume(engine, { use: held.use })
      await engine.wake([wakeOf('one')])
      await eventually('the wake comes', () => taken.inUse > 0)
      for (let count = 0; count < 3; count++) await engine.wake([wakeOf('one')])
      held.giveBack()
      const giving = setInterval(held.giveBack, 10)
      await eventually('it comes again', () => taken.ids.length >= 2)
      clearInterval(giving)
      held.giveBack()
    },
  )

  const laterEpoch = 'a wake of a later epoch comes at once, though one of an earlier epoch is in use'
  testIf(capabilities.deduplicates, 'wakes may come twice', laterEpoch, async ({ engine, consume }) => {
    const held = heldPermits()
    const taken = await consume(engine, { use: held.use })
    await engine.wake([wakeOf('one', { epoch: 1 })])
    await eventually('the first wake comes', () => taken.inUse > 0)
    await engine.wake([wakeOf('one', { epoch: 2 })])
    await eventually('the second wake comes', () => taken.inUse === 2, 2_000)
    held.giveBack()
  })

  testDelivery('ids and queues may have any characters', async ({ engine, consume, reported }) => {
    const ids = [
      'a:b',
      '42',
      '0',
      'é/..',
      '__proto__',
      ' ',
      '😀',
      'x'.repeat(10_000),
      'a\0b',
      '\ud800',
      '{"e":1}',
      '-1',
    ]
    for (const queue of ['a:b', 'gpu {1}', 'é/..', 'q'.repeat(300), '0', 'a\0b', '\udc00']) {
      const taken = await consume(engine, { queue })
      await engine.wake(ids.map((id) => wakeOf(id, { queue })))
      await eventually(`wakes of ${JSON.stringify(queue)} come`, () => new Set(taken.ids).size === ids.length)
      assert.deepEqual([...new Set(taken.ids)].toSorted(), ids.toSorted())
      await taken.consumer.close()
    }
    assert.deepEqual(reported, [])
  })
}
