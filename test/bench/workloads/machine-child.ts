// Run by machines.ts: one contender in a process of its own.
import { answerParent } from '../durable/answer-parent.ts'
import type { Places } from '../durable/engine.ts'
import { measureMachines } from '../durable/machine-engine.ts'
import type { MachineContender, MachineEngine } from '../durable/machine-engine.ts'
import { openDocketMachines } from '../opponents/docket-machine.ts'
import { openRestateMachines } from '../opponents/restate-machine.ts'

function open(contender: MachineContender, places: Places): Promise<MachineEngine> {
  if (contender === '@restatedev/xstate') return openRestateMachines()
  const kind = contender === 'Docket on PostgreSQL' ? 'postgres' : contender === 'Docket on Redis' ? 'redis' : 'sqlite'
  return openDocketMachines(kind, places)
}

answerParent({
  measure: async ({
    contender,
    places,
    machines,
    events,
  }: {
    contender: MachineContender
    places: Places
    machines: number
    events: number
  }) => {
    const engine = await open(contender, places)
    // As warm as a service that has run for a while.
    await measureMachines(engine, machines, 10)
    const ms = await measureMachines(engine, machines, events)
    await engine.close()
    return ms
  },
})
