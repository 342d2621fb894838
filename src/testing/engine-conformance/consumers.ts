import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import { eventually, heldPermits, wakeOf } from './engine-bench.ts'
import type { EngineGroup } from './engine-bench.ts'

const quietMs = 150

/** `consume`: slots, and what becomes of permits. */
export function consumersConformance({ options, test, testIf }: EngineGroup): void {
  const { capabilities } = options
  const testDelivery = (title: string, body: Parameters<typeof test>[1]): void =>
    testIf(capabilities.delivers, 'wakes may be lost', title, body)
  const many = Array.from({ length: 20 }, (_, index) => wakeOf(`e-${index}`))

  testDelivery('no more permits are in use than there are slots', async ({ engine, consume }) => {
    const held = heldPermits()
    const taken = await consume(engine, { slots: 3, use: held.use })
    await engine.wake(many)
    await eventually('three are in use', () => taken.inUse === 3)
    await sleep(quietMs)
    assert.equal(taken.inUse, 3)
    const giving = setInterval(held.giveBack, 5)
    await eventually('all come', () => new Set(taken.ids).size === many.length)
    clearInterval(giving)
    held.giveBack()
    assert.equal(taken.mostInUse, 3)
  })

  testDelivery('slots can become more and fewer', async ({ engine, consume }) => {
    const held = heldPermits()
    const taken = await consume(engine, { slots: 1, use: held.use })
    await engine.wake(many)
    await eventually('one is in use', () => taken.inUse > 0)
    taken.consumer.resize(3)
    held.giveBack()
    await eventually('three are in use', () => taken.inUse === 3)
    taken.consumer.resize(0)
    held.giveBack()
    await sleep(quietMs)
    held.giveBack()
    await sleep(quietMs)
    assert.ok(taken.inUse <= (capabilities.countsExactly ? 0 : 1), `${taken.inUse} are in use`)
    held.giveBack()
    taken.consumer.resize(5)
    const giving = setInterval(held.giveBack, 5)
    await eventually('all come', () => new Set(taken.ids).size === many.length)
    clearInterval(giving)
    held.giveBack()
  })

  testDelivery('what is given back goes to another consumer', async ({ engine, rival, consume }) => {
    const held = heldPermits('again')
    const first = await consume(engine, { use: held.use })
    await engine.wake([wakeOf('one')])
    await eventually('the wake comes', () => first.inUse > 0)
    const second = await consume(await rival())
    await first.consumer.close()
    await eventually('it comes to the other', () => second.ids.includes('one'))
  })

  testDelivery('what is done goes to nobody else', async ({ engine, rival, consume }) => {
    if (!capabilities.deduplicates) return
    const held = heldPermits('done')
    const first = await consume(engine, { use: held.use })
    await engine.wake([wakeOf('one')])
    await eventually('the wake comes', () => first.inUse > 0)
    const second = await consume(await rival())
    await first.consumer.close()
    await sleep(quietMs)
    assert.deepEqual(second.ids, [])
  })

  testDelivery('a permit whose promise rejects is given back, and the others go on', async ({ engine, consume }) => {
    const taken = await consume(engine, { slots: 1, use: () => Promise.reject(new Error('unkind')) })
    await engine.wake([wakeOf('one'), wakeOf('two')])
    await eventually('both come', () => new Set(taken.ids).size === 2)
  })

  test('a closed consumer gets nothing more', async ({ engine, consume }) => {
    const taken = await consume(engine)
    await taken.consumer.close()
    await taken.consumer.close()
    await engine.wake(many)
    await sleep(quietMs)
    assert.deepEqual(taken.ids, [])
    taken.consumer.resize(3)
  })

  testDelivery('close waits for permits that are in use', async ({ engine, consume }) => {
    let isOver = false
    const taken = await consume(engine, {
      use: async () => {
        await sleep(200)
        isOver = true
        return 'done'
      },
    })
    await engine.wake([wakeOf('one')])
    await eventually('the wake comes', () => taken.inUse > 0)
    await taken.consumer.close()
    assert.equal(isOver, true)
  })

  test('a consumer closes within seconds where it has nothing', async ({ engine, consume }) => {
    const taken = await consume(engine)
    await sleep(quietMs)
    const since = performance.now()
    await taken.consumer.close()
    assert.ok(performance.now() - since < 3_000, `it took ${Math.round(performance.now() - since)} ms`)
  })

  test('an engine that is closed takes wakes and loses them', async ({ engine, rival }) => {
    const other = await rival()
    await other.wake([wakeOf('one')])
    const spare = { report: () => {} }
    await engine.open(spare)
    await engine.close()
    await engine.wake([wakeOf('two')])
  })
}
