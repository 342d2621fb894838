import { expect, test } from 'vitest'
import { z } from 'zod'
import { dataType, graph, race, signal, step, timer } from '../../src/index.ts'
import type { Docket } from '../../src/index.ts'
import { World } from './durable-time.ts'

const Order = dataType('Order', z.string())
const Prepared = dataType('Prepared', z.string())
const Approval = dataType('Approval', z.object({ by: z.string() }))
const Expiry = dataType('Expiry', z.object({ dueAt: z.date() }))
const Decision = dataType('Decision', z.string())
const Shipment = dataType('Shipment', z.string())
const minute = 10_000
const seeds = 20

/** Random numbers from 0 up to but without 1, the same for the same seed. */
function randomOf(seed: number): () => number {
  let state = seed * 2_654_435_761 + 1
  return () => {
    state = (Math.imul(state ^ (state >>> 15), 2_246_822_519) + 3_266_489_917) >>> 0
    return ((state ^ (state >>> 13)) >>> 0) / 2 ** 32
  }
}

/** Processes live, die and close at random, while signals come at random; gives what is wrong. */
async function problemsOf(seed: number): Promise<readonly string[]> {
  const random = randomOf(seed)
  const world = new World()
  const runs: string[] = []
  let deaths = 0
  const declared = graph({
    name: 'orders',
    steps: [
      step({
        name: 'Prepare',
        inputs: { order: Order },
        output: Prepared,
        run: ({ order }) => {
          runs.push('Prepare')
          return order
        },
      }),
      signal(Approval, random() < 0.5 ? {} : { inputs: { prepared: Prepared } }),
      timer({ name: 'Expire', output: Expiry, after: '10m' }),
      race({
        name: 'Decide',
        inputs: { approval: Approval, expiry: Expiry },
        output: Decision,
        run: (first) => {
          runs.push('Decide')
          return first.port === 'approval' ? first.value.by : 'nobody'
        },
      }),
      step({
        name: 'Ship',
        inputs: { prepared: Prepared, decision: Decision },
        output: Shipment,
        persist: 'execution',
        run: ({ prepared, decision }) => `${prepared} by ${decision}`,
      }),
    ],
  })
  const live: { readonly docket: Docket; readonly end: () => Promise<void> | void }[] = []
  const begin = (): void => {
    const options = { graphs: [declared], lease: '2s', park: random() < 0.7 ? '1s' : '2m' } as const
    const mortal = random() < 0.6 ? world.mortal(options) : undefined
    const docket = mortal?.docket ?? world.process(options)
    const end = (): Promise<void> | void => {
      if (mortal === undefined) return docket.close({ deadline: 0 })
      deaths++
      mortal.die()
    }
    live.push({ docket, end })
  }
  begin()
  const startedAt = world.clock.now()
  const handle = await world.clock.settle(live[0]!.docket.start(declared, Shipment, { Order: 'o' }, { id: 'a' }))
  const sent: { readonly by: string; readonly verdict: string; readonly at: number }[] = []
  const watcher = world.process({ graphs: [], takeOver: false })
  const sender = (await world.clock.settle(watcher.get('a')))!
  for (let acts = 0; acts < 12; acts++) {
    await world.clock.advance(Math.floor(random() * 10) * (random() < 0.3 ? 100 : minute))
    const what = random()
    if (what < 0.4 && live.length > 0)
      await world.clock.settle(Promise.resolve(live.splice(Math.floor(random() * live.length), 1)[0]!.end()))
    else if (what < 0.7 && live.length < 3) begin()
    else if (random() < 0.4) {
      const by = `signal ${acts}`
      sent.push({ by, at: world.clock.now(), verdict: await world.clock.settle(sender.signal(Approval, { by })) })
    }
  }
  if (live.length === 0) begin()
  await world.clock.advance(70 * minute)
  const result = await world.clock.settle(sender.result() as Promise<string>)
  const problems: string[] = []
  const accepted = sent.filter(({ verdict }) => verdict === 'accepted')
  const [first] = accepted
  if (accepted.length > 1) problems.push(`${accepted.length} signals were accepted`)
  const dueAt = startedAt + 60 * minute
  if (first !== undefined && first.at < dueAt && result !== `o by ${first.by}`)
    problems.push(`accepted ${first.by} at ${first.at - startedAt}, but the result is ${result}`)
  if (first === undefined && result !== 'o by nobody')
    problems.push(`nothing was accepted, but the result is ${result}`)
  const prepared = runs.filter((run) => run === 'Prepare').length
  if (prepared > 1 + deaths * 2 + 12) problems.push(`prepared ${prepared} times`)
  if (handle.id !== 'a') problems.push('another id')
  return problems
}

test(`whatever dies, closes and is parked, a signal that was accepted in time wins, and nobody waits for ever (${seeds} seeds)`, async () => {
  const wrong: string[] = []
  for (let seed = 1; seed <= seeds; seed++)
    for (const problem of await problemsOf(seed)) wrong.push(`seed ${seed}: ${problem}`)
  expect(wrong).toEqual([])
})
