import { createDocket, dataType, durableStep, graph, type, update } from '../../../src/index.ts'
import type { Places } from '../durable/engine.ts'
import type { UpdateEngine, UpdateSender } from '../durable/update-engine.ts'
import { openStore } from './durable-docket.ts'
import type { StoreKind } from './durable-docket.ts'

function sums() {
  const Start = dataType('Start', type<number>())
  const Sum = dataType('Sum', type<number>())
  const Add = update('Add', { input: type<number>(), output: type<number>() })
  const add = durableStep({
    name: 'Add up',
    inputs: { start: Start },
    output: Sum,
    receives: [Add],
    run: async ({ start }, context) => {
      let sum: number = start
      for (let count = 0; count < 1_000; count++) {
        const request = await context.receive(Add)
        sum += request.value
        await request.reply(sum)
      }
      return sum
    },
  })
  return { graph: graph({ name: 'sums', steps: [add] }), Add, Sum }
}

/** Docket on one of its stores: an update of a durable function. */
export async function openDocketUpdates(kind: StoreKind, places: Places, name: string): Promise<UpdateEngine> {
  const { graph: declared, Add, Sum } = sums()
  const docket = createDocket({ graphs: [declared], store: openStore(kind, places, name) })
  const start = (id: string) => docket.start(declared, Sum, { Start: 0 }, { id })
  const handles = new Map<string, Awaited<ReturnType<typeof start>>>()
  return {
    begin: async (key) => void handles.set(key, await start(key)),
    update: (key, value) => handles.get(key)!.update(Add, value),
    close: () => docket.close({ deadline: 0 }),
  }
}

export async function openDocketUpdateSender(kind: StoreKind, places: Places, name: string): Promise<UpdateSender> {
  const { graph: declared, Add } = sums()
  const docket = createDocket({ graphs: [declared], store: openStore(kind, places, name), takeOver: false })
  await docket.list({ limit: 1 })
  return {
    update: async (key, value) => (await docket.get(key))!.update(Add, value),
    close: () => docket.close(),
  }
}
