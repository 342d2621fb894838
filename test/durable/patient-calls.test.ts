import { describe, expect, test } from 'vitest'
import type { Docket } from '../../src/index.ts'
import { DocketClosedError } from '../../src/index.ts'
import { expectNoUnhandledErrors, rejectionOf } from '../loose-api.ts'
import { door, line, Third } from './line.ts'
import { World } from './durable-time.ts'
import { outage, WatchedStore } from './watched-store.ts'
import { alteredStore } from './altered-store.ts'

expectNoUnhandledErrors()

type Call = (docket: Docket) => Promise<unknown>

/** Calls about an execution that another process has left: `left` has not ended, `ended` has failed. */
const calls: Readonly<Record<string, readonly [call: Call, methods: readonly string[]]>> = {
  get: [(docket) => docket.get('left'), ['get']],
  cancel: [(docket) => docket.cancel('left'), ['get', 'acquire', 'commit']],
  'delete of what has not ended': [(docket) => docket.delete('left'), ['acquire', 'delete']],
  'delete of what has ended': [(docket) => docket.delete('ended'), ['acquire', 'delete']],
  detach: [async (docket) => (await docket.get('left'))!.detach(), ['acquire', 'commit']],
}

async function leftBehind() {
  const world = new World()
  const { line: failing } = line({ first: { run: () => Promise.reject(new Error('no')) } })
  const failed = world.process({ graphs: [failing] })
  await rejectionOf(world.clock.settle(failed.execute(failing, Third, { Seed: 1 }, { id: 'ended' })))
  await world.clock.settle(failed.close())
  const { line: graph } = line({ second: { run: () => door().promise } })
  const leaving = world.process({ graphs: [graph] })
  await world.clock.settle(leaving.start(graph, Third, { Seed: 1 }, { id: 'left' }))
  await world.clock.settle(leaving.close({ deadline: 0 }))
  return { world, graph }
}

const moments = Object.entries(calls).flatMap(([name, [call, methods]]) =>
  methods.flatMap((method) => (['request', 'answer'] as const).map((lost) => ({ name, call, method, lost }))),
)

describe('a call that waits for its answer is sent again', () => {
  test.each(moments)('$name, where the $lost of $method is lost three times', async ({ call, method, lost }) => {
    const { world, graph } = await leftBehind()
    let losses = 3
    let isLossy = false
    const store = alteredStore(world.store, async (name, ask) => {
      if (!isLossy || name !== method || losses === 0) return ask()
      losses--
      if (lost === 'answer') await ask()
      throw outage()
    })
    const docket = world.process({ graphs: [graph], store, takeOver: false })
    await docket.list()
    isLossy = true
    await world.clock.settle(call(docket))
    expect(losses).toBe(0)
    isLossy = false
    await world.clock.settle(docket.close())
    const next = world.process({ graphs: [graph], takeOver: false })
    const { executions } = await next.list()
    // Nothing stays this process's that it does not run.
    for (const { id } of executions) expect((await world.store.get([id]))[0]!.owner, id).toBeUndefined()
    await world.clock.settle(next.close())
  })
})

describe('a call that meets the close of its docket says so, and of which execution', () => {
  const meeting: Readonly<Record<string, Call>> = {
    get: (docket) => docket.get('left'),
    retry: (docket) => docket.retry('left'),
    fork: (docket) => docket.fork('left', { from: 'First', id: 'other' }),
    cancel: (docket) => docket.cancel('left'),
    delete: (docket) => docket.delete('left'),
    list: (docket) => docket.list(),
    purge: (docket) => docket.purge({ olderThan: 0 }),
  }
  test.each(Object.keys(meeting))('%s', async (name) => {
    const { world, graph } = await leftBehind()
    const watched = new WatchedStore(world.store)
    const docket = world.process({ graphs: [graph], store: watched.store, takeOver: false })
    await docket.list()
    const { promise: isClosed, resolve } = Promise.withResolvers<void>()
    watched.before = ({ name: method }) => (['get', 'acquire', 'list', 'purge'].includes(method) ? isClosed : undefined)
    const outcome = rejectionOf(meeting[name]!(docket))
    await world.clock.settle(docket.close())
    await world.store.close()
    resolve()
    const error = (await world.clock.settle(outcome)) as DocketClosedError
    expect(error).toBeInstanceOf(DocketClosedError)
    expect(error.executionId).toBe(['list', 'purge'].includes(name) ? undefined : 'left')
    expect(error.message).toMatch(/this docket (?:was closed during|is closed)/)
  })

  test('what is called afterwards has the id as well', async () => {
    const { world, graph } = await leftBehind()
    const docket = world.process({ graphs: [graph] })
    await world.clock.settle(docket.close())
    for (const name of ['get', 'retry', 'fork', 'cancel', 'delete'])
      expect(await rejectionOf(meeting[name]!(docket)), name).toMatchObject({
        code: 'DOCKET_CLOSED',
        executionId: 'left',
      })
  })
})

test('what is ended rather than gone on with counts as none that runs here', async () => {
  const world = new World()
  const { line: graph } = line({ second: { run: () => door().promise } })
  const dying = world.mortal({ graphs: [graph] })
  await world.clock.settle(dying.docket.start(graph, Third, { Seed: 1 }, { id: 'deadly' }))
  dying.die()
  await world.clock.advance(6_000)
  await world.store.renewOwner('killed', 1_000)
  await world.store.acquire({ owner: 'killed', ids: ['deadly'], limit: 1 })
  await world.store.endOwner('killed')
  const docket = world.process({ graphs: [graph], maxRecoveries: 1 })
  expect(await world.clock.settle(docket.resume())).toBe(0)
  expect(await docket.get('deadly')).toMatchObject({ id: 'deadly' })
  expect((await docket.list()).executions.map(({ status }) => status)).toEqual(['failed'])
})
