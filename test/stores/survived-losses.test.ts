import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, onTestFinished, test } from 'vitest'
import { createDocket, dataType, graph, step, type } from '../../src/index.ts'
import { WatchedStore } from '../durable/watched-store.ts'
import { storePlaces } from './store-places.ts'

const { sqlStores, redisStores } = await storePlaces()

test.each([...sqlStores, ...redisStores])(
  'a lease that a living process loses again and again is no death (%s)',
  async (_, newPlace) => {
    const id = randomUUID()
    const inner = newPlace()()
    const watched = new WatchedStore(inner)
    const Done = dataType('Done', type<number>())
    const gate = Promise.withResolvers<number>()
    let begun = 0
    const wait = step({
      name: 'Wait',
      output: Done,
      persist: 'execution',
      run: () => {
        begun++
        return gate.promise
      },
    })
    const waiting = graph({ name: `waiting-${id}`, steps: [wait] })
    const docket = createDocket({ graphs: [waiting], store: watched.store, lease: '800ms', maxRecoveries: 2 })
    onTestFinished(async () => {
      await docket.close()
      await inner.close()
    })
    await docket.start(waiting, Done, {}, { id })
    // What has not begun yet would begin only after the first loss.
    await expect.poll(() => begun, { timeout: 20_000 }).toBe(1)
    for (let losses = 1; losses <= 3; losses++) {
      watched.cut()
      await sleep(1_000)
      watched.mend()
      await expect.poll(() => begun, { timeout: 20_000 }).toBeGreaterThan(losses)
    }
    gate.resolve(5)
    expect(await (await docket.get(id))!.result()).toBe(5)
  },
)
