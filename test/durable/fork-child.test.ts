import { expect, test } from 'vitest'
import { dataType, graph, step, subgraph, type } from '../../src/index.ts'
import { expectNoUnhandledErrors, text } from '../loose-api.ts'
import { World } from './durable-time.ts'

expectNoUnhandledErrors()

const Large = dataType('Large', type<string>())
const Made = text('Made')
const Goal = text('Goal')

test('a child can be forked, though its large input is kept with its parent: the fork is nobody’s child', async () => {
  const world = new World()
  const seen: number[] = []
  let isBroken = true
  const inner = graph({
    name: 'inner',
    steps: [
      step({
        name: 'Use',
        inputs: { large: Large },
        output: Made,
        persist: 'execution',
        run: ({ large }) => {
          seen.push(large.length)
          if (isBroken) throw new Error('broken')
          return 'made'
        },
      }),
    ],
  })
  const outer = graph({
    name: 'outer',
    steps: [
      step({ name: 'Load', output: Large, persist: 'execution', run: () => 'x'.repeat(40_000) }),
      subgraph(inner, Made, { queue: 'slow' }),
      step({ name: 'End', inputs: { made: Made }, output: Goal, persist: 'execution', run: ({ made }) => made }),
    ],
  })
  const docket = world.process({ graphs: [outer], work: { default: 5, slow: 5 } })
  const handle = await world.clock.settle(docket.start(outer, Goal, {}, { id: 'p' }))
  await world.clock.settle(handle.result()).catch(() => {})
  const [child] = (await world.clock.settle(docket.list({ parent: 'p' }))).executions
  isBroken = false
  const fork = await world.clock.settle(docket.fork(child!.id, { id: 'f', from: 'Use' }))
  expect(await world.clock.settle(fork.result())).toBe('made')
  const edited = await world.clock.settle(docket.fork(child!.id, { id: 'g', overrides: { Large: 'small' } }))
  expect(await world.clock.settle(edited.result())).toBe('made')
  expect(seen).toEqual([40_000, 40_000, 5])
  await world.clock.settle(docket.close({ deadline: 0 }))
})
