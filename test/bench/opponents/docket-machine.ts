import { createDocket, dataType, graph, machineStep, type } from '../../../src/index.ts'
import type { Places } from '../durable/engine.ts'
import type { MachineEngine } from '../durable/machine-engine.ts'
import { counterMachine } from './counter-machine.ts'
import { openStore } from './durable-docket.ts'
import type { StoreKind } from './durable-docket.ts'

/** Docket on one of its stores: each machine is the step of an execution, and gets its events as signals. */
export async function openDocketMachines(kind: StoreKind, places: Places): Promise<MachineEngine> {
  const Size = dataType('Size', type<number>())
  const Add = dataType('Add', type<number>())
  const Count = dataType('Count', type<number>())
  const counters = graph({
    name: 'counters',
    steps: [
      machineStep({
        name: 'Counter',
        machine: counterMachine('counter'),
        inputs: { events: Size },
        output: Count,
        events: { ADD: Add },
      }),
    ],
  })
  const docket = createDocket({ graphs: [counters], store: openStore(kind, places) })
  const start = (id: string, events: number) => docket.start(counters, Count, { Size: events }, { id })
  const handles = new Map<string, Awaited<ReturnType<typeof start>>>()
  return {
    begin: async (key, events) => void handles.set(key, await start(key, events)),
    send: (key) => handles.get(key)!.signal(Add, 1),
    async end(key) {
      const handle = handles.get(key)!
      handles.delete(key)
      return handle.result()
    },
    close: () => docket.close(),
  }
}
