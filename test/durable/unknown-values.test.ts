import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { createMachine } from 'xstate'
import { dataType, durableStep, graph, machineStep, update } from '../../src/index.ts'
import { World } from './durable-time.ts'

const Order = dataType('Order', z.string())
const Draft = dataType('Draft', z.string())
const Progress = dataType('Progress', z.number())
const Line = dataType('Line', z.string())
const Stranger = dataType('Stranger', z.string())
const Darft = dataType('Darft', z.string())
const Renumber = update('Renumber', { input: z.string(), output: z.number() })

const declared = graph({
  name: 'drafts',
  steps: [
    durableStep({
      name: 'Write',
      inputs: { order: Order },
      output: Draft,
      receives: [Line],
      publishes: [Progress],
      run: async ({ order }, ctx) => {
        const got = await ctx.receive([Line])
        return `${order} ${got.value}`
      },
    }),
  ],
})
const unrelated = machineStep({ name: 'Unrelated', machine: createMachine({}), output: Stranger })

async function refused(call: Promise<unknown>, message: string): Promise<void> {
  await expect(call).rejects.toMatchObject({ name: 'OptionError', message: expect.stringContaining(message) })
}

async function waiting() {
  const world = new World()
  const docket = world.process({ graphs: [declared], park: '10h' })
  const handle = await world.clock.settle(docket.start(declared, Draft, { Order: 'o' }, { id: 'a' }))
  return { world, handle }
}

describe('a name that the graph of an execution does not have', () => {
  test('is refused by get and watch, which say what there is, while what is not there yet is undefined', async () => {
    const { world, handle } = await waiting()
    const get = (type: Parameters<typeof handle.get>[0]) => world.clock.settle(handle.get(type))
    await refused(get(Stranger), 'get: graph "drafts" has no type "Stranger"; it has: Order, Draft, Progress')
    await refused(get(Darft), 'get: graph "drafts" has no type "Darft"; did you mean "Draft"?')
    await refused(
      world.clock.settle(handle.watch(Stranger).next()),
      'watch: graph "drafts" has no type "Stranger"; it has: Order, Draft, Progress',
    )
    await refused(get(Line), 'get: step "Write" receives any number of "Line", so that there is no one value of it')
    await refused(get(unrelated), 'get: graph "drafts" has no step "Unrelated"; it has: Write')
    expect(await get(Draft)).toBeUndefined()
    expect(await world.clock.settle(handle.get(Progress))).toBeUndefined()
    expect(await get(Order)).toBe('o')
  })

  test('is not known to a docket without the graph, which finds no value', async () => {
    const { world } = await waiting()
    const other = world.process({ graphs: [], takeOver: false })
    const found = (await world.clock.settle(other.get('a')))!
    expect(await world.clock.settle(found.get(Stranger))).toBeUndefined()
  })

  test('is named as an update where it was sent as one', async () => {
    const { world, handle } = await waiting()
    await refused(
      world.clock.settle(handle.update(Renumber as never, 'x' as never)),
      'no step of graph "drafts" (execution "a") waits for an update "Renumber"; it waits for: Line',
    )
  })
})
