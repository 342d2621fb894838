import { createDocket, dataType, durableStep, graph, step, type } from 'docket'
import { createInspector } from 'docket/inspector'
import { memoryStore } from 'docket/stores/memory'
import { expect, test } from 'vitest'
import type { ExecutionView } from '../../src/inspector/protocol.ts'
import { PageClient } from './page-client.ts'

test('of children is shown which step has begun them, what they make, and their status', async () => {
  const Leaf = dataType('Leaf', type<number>())
  const Grown = dataType('Grown', type<number>())
  const leaves = graph({ name: 'leaves', steps: [step({ name: 'Leaf', output: Leaf, run: () => 1 })] })
  const grow = durableStep({
    name: 'Grow',
    output: Grown,
    run: async (_, ctx) => (await ctx.start(leaves, Leaf, {})).result(),
  })
  const growing = graph({ name: 'growing', steps: [grow] })
  await using docket = createDocket({ graphs: [leaves, growing], store: memoryStore() })
  await using inspector = await createInspector({ docket })
  const page = await PageClient.open(inspector)
  await (await docket.start(growing, Grown, {}, { id: 'tree' })).result()
  const { children } = await page.get<ExecutionView>('execution?id=tree')
  const ids = (await docket.list({ parent: 'tree' })).executions.map(({ id }) => id)
  expect(children).toEqual([{ id: ids[0], graph: 'leaves', target: 'Leaf', status: 'completed', step: 'Grow' }])
  page.close()
})
