import { describe, expect, test } from 'vitest'
import type { Codec } from '../../../src/core/contracts/codec.ts'
import { World } from '../durable-time.ts'
import { Add, Plus, Sum, sums, Total } from './sums.ts'

/** A codec that changes nothing, and that takes its time for what is at such a place once it is held. */
function slowCodec(place: string) {
  let held: PromiseWithResolvers<void> | undefined
  const codec: Codec = {
    name: 'slow',
    encode: (bytes, context) =>
      held === undefined || !context.includes(place) ? bytes : held.promise.then(() => bytes),
    decode: (bytes) => bytes,
  }
  return {
    codec,
    hold: () => void (held = Promise.withResolvers()),
    release: () => held?.resolve(),
  }
}

const ofStep = '"step"'
const ofAnswer = '"checkpoint"'

describe('what a machine has taken while a codec takes its time', () => {
  test.each(['update', 'signal'] as const)('comes again where it goes on elsewhere before that (%s)', async (way) => {
    const world = new World()
    const declared = sums(true)
    const slow = slowCodec(ofStep)
    const first = world.process({ graphs: [declared], codecs: [slow.codec] })
    await world.clock.settle(first.start(declared, Sum, {}, { id: 'a' }))
    await world.clock.advance(1_000)
    const second = world.process({ graphs: [declared], codecs: [slowCodec(ofStep).codec] })
    const found = (await world.clock.settle(second.get('a')))!
    slow.hold()
    const sent: Promise<unknown> = way === 'update' ? found.update(Add, 5) : found.signal(Plus, 5)
    await world.clock.advance(100)
    const closed = first.close({ deadline: 0 })
    await world.clock.advance(1_000)
    slow.release()
    await world.clock.settle(closed)
    expect(await world.clock.settle(sent)).toBe(way === 'update' ? 5 : 'accepted')
    await world.clock.settle(found.signal(Total, true))
    expect(await world.clock.settle(found.result())).toBe(5)
  })

  test('fails with its step where what answers it can’t be encoded at all, and is not done without its answer', async () => {
    const world = new World()
    const declared = sums(false)
    let isBroken = false
    const codec: Codec = {
      name: 'broken',
      encode: (bytes, context) =>
        isBroken && context.includes(ofAnswer) ? Promise.reject(new Error('no key is there')) : bytes,
      decode: (bytes) => bytes,
    }
    const docket = world.process({ graphs: [declared], codecs: [codec] })
    const handle = await world.clock.settle(docket.start(declared, Sum, {}, { id: 'a' }))
    await world.clock.advance(100)
    isBroken = true
    await expect(world.clock.settle(handle.update(Add, 5))).rejects.toMatchObject({ code: 'UPDATE_ENDED' })
    await expect(world.clock.settle(handle.result())).rejects.toThrow('no key is there')
    isBroken = false
    const again = await world.clock.settle(docket.retry('a'))
    expect(await world.clock.settle(again.update(Add as never, 2 as never))).toBe(2)
  })

  test('is not parked meanwhile', async () => {
    const world = new World()
    const declared = sums(false)
    const slow = slowCodec(ofAnswer)
    const docket = world.process({ graphs: [declared], codecs: [slow.codec], park: 1_000 })
    const handle = await world.clock.settle(docket.start(declared, Sum, {}, { id: 'a' }))
    await world.clock.advance(100)
    slow.hold()
    const sent = handle.update(Add, 5)
    await world.clock.advance(60_000)
    slow.release()
    expect(await world.clock.settle(sent)).toBe(5)
    await world.clock.advance(60_000)
    expect((await world.store.get(['a']))[0]!.parkedAt).toBeDefined()
    await world.clock.settle(handle.signal(Total, true))
    expect(await world.clock.settle(handle.result())).toBe(5)
  })
})
