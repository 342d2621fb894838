import { expect, test } from 'vitest'
import { dataType, durableStep, graph, signal, step, subgraph, type } from '../../src/index.ts'
import type { ExecutionHandle } from '../../src/index.ts'
import { World } from './durable-time.ts'

const Go = dataType('Go', type<string>())
const Words = dataType('Words', type<number>())
const Report = dataType('Report', type<number>())

/** A child that waits for a signal, and parents that wait for it. */
function families(counted: string[]) {
  const count = step({
    name: 'Count',
    inputs: { go: Go },
    output: Words,
    persist: 'execution',
    run: ({ go }) => counted.push(go),
  })
  const child = graph({ name: 'child', steps: [signal(Go), count] })
  const report = step({ name: 'End', inputs: { words: Words }, output: Report, run: ({ words }) => words })
  return {
    child,
    'a subgraph': graph({ name: 'parent', steps: [subgraph(child, Words, { name: 'Child' }), report] }),
    'a durable function': graph({
      name: 'parent',
      steps: [durableStep({ name: 'Child', output: Report, run: (_, ctx) => ctx.execute(child, Words, {}) })],
    }),
  }
}

test.each(['a subgraph', 'a durable function'] as const)(
  'a child of %s that has ended is purged once its parent has its value, and does nothing twice',
  async (kind) => {
    const counted: string[] = []
    const { child, [kind]: either } = families(counted)
    // Both are started alike.
    const parent = either as ReturnType<typeof families>['a durable function']
    const world = new World()
    const { clock } = world
    const first = world.process({ graphs: [parent, child], park: '1s' })
    await clock.settle(first.start(parent, Report, {}, { id: 'p' }))
    await clock.advance(60_000)
    await clock.settle(first.close())
    await world.store.open()

    // A process that does not know the parent has the child, and purges.
    const other = world.process({ graphs: [child] })
    const [found] = (await clock.settle(other.list({ parent: 'p' }))).executions
    const handle = (await clock.settle(other.get(found!.id))) as unknown as ExecutionHandle<number, typeof Go>
    expect(await clock.settle(handle.signal(Go, 'now'))).toBe('accepted')
    expect(await clock.settle(handle.result())).toBe(1)
    await clock.advance(60_000)
    expect(await clock.settle(other.purge({ olderThan: 0 }))).toBe(0)

    const last = world.process({ graphs: [parent, child] })
    await clock.advance(60_000)
    expect(await clock.settle((await clock.settle(last.get('p')))!.result())).toBe(1)
    expect(counted).toEqual(['now'])
    await clock.advance(60_000)
    expect(await clock.settle(other.purge({ olderThan: 0 }))).toBe(2)
  },
)

test('children of a parent that lives on go once it was parked after their ends', async () => {
  const { child } = families([])
  const forEver = graph({
    name: 'for-ever',
    steps: [
      durableStep({
        name: 'Loop',
        output: Report,
        run: async (_, ctx) => {
          for (;;) await Promise.all([ctx.execute(child, Words, {}), ctx.sleep('1h')])
        },
      }),
    ],
  })
  const world = new World()
  const { clock } = world
  const docket = world.process({ graphs: [forEver, child] })
  await clock.settle(docket.start(forEver, Report, {}, { id: 'p' }))
  await clock.advance(1_000)
  const handle = (await clock.settle(docket.get('p/Loop/child'))) as unknown as ExecutionHandle<number, typeof Go>
  await clock.settle(handle.signal(Go, 'now'))
  await clock.advance(2_000)
  expect(await clock.settle(docket.purge({ olderThan: 0 }))).toBe(0)
  await clock.advance(60_000)
  expect(await clock.settle(docket.purge({ olderThan: 0 }))).toBe(1)
})
