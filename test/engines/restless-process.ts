/** A process that opens engines, takes wakes and closes again, while its connections are cut at random: whatever rejects unheard ends it. */
import { setTimeout as sleep } from 'node:timers/promises'
import { bullmqEngine } from '../../src/engines/bullmq/index.ts'
import { randomOf } from '../../src/testing/kit/seeded-random.ts'
import { startCuttingProxy } from '../servers/cutting-proxy.ts'

const [, , url, seed] = process.argv
const random = randomOf(Number(seed))
const rounds = 24
const atOnce = 6

function moment(): number {
  return random() * 80
}

async function round(): Promise<void> {
  const proxy = await startCuttingProxy(url!)
  const engine = bullmqEngine({ connection: proxy.url, timeout: '400ms', lock: '1s', stalled: '1s' })
  const cuts = Array.from({ length: 3 }, async () => {
    await sleep(moment() * 3)
    await proxy.cut(moment() * 4)
  })
  try {
    await engine.open({ report: () => {} })
    const consuming = Promise.allSettled(
      Array.from({ length: 2 }, (_, index) =>
        engine.consume(`queue ${index}`, 2, () => sleep(moment(), 'done' as const)),
      ),
    )
    await sleep(moment())
    for (const id of ['a', 'b']) await engine.wake([{ id, epoch: 0, queue: 'queue 0' }])
    const consumers = await consuming
    for (const one of consumers)
      if (one.status === 'fulfilled') {
        one.value.resize(random() < 0.5 ? 0 : 3)
        await sleep(moment())
        one.value.resize(2)
      }
    await sleep(moment())
    await Promise.all(consumers.map((one) => (one.status === 'fulfilled' ? one.value.close() : undefined)))
    await engine.close()
  } catch {
    // It could not be opened: nobody closes it then.
  }
  await Promise.all(cuts)
  await proxy.stop()
}

for (let done = 0; done < rounds; done += atOnce) await Promise.all(Array.from({ length: atOnce }, round))
process.stdout.write('all rounds\n')
