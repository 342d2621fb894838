import { isRecord } from '../core/is-record.ts'
import type { Docket } from '../durable/docket.ts'
import { defined } from './defined.ts'
import type { MachineView } from './protocol.ts'
import { RequestProblem } from './request-problem.ts'

const mostCharacters = 500_000

/** The statechart of a step: of the machine that is its work, where it has one, else of the step's own life. @throws RequestProblem, and what the docket throws */
export async function machineViewOf(docket: Docket, id: string, name: string): Promise<MachineView> {
  const plan = await docket.plan(id)
  const step = plan?.steps.find((one) => one.name === name)
  if (step === undefined) throw new RequestProblem(404, 'the plan of this step is not known here')
  const handle = await docket.get(id)
  if (handle === undefined) throw new RequestProblem(404, 'there is no such execution')
  const { declaration } = step
  const machine: unknown = declaration.kind === 'machine' ? Reflect.get(declaration, 'machine') : undefined
  if (isRecord(machine) && isRecord(machine['config'])) {
    const at = await handle.get(declaration as never)
    const value = isRecord(at) ? at['value'] : undefined
    // What it begins with is a value, and none to be drawn.
    const { context: _, ...drawn } = machine['config']
    return defined<MachineView>({ definition: drawable(drawn), value })
  }
  const { steps } = await handle.details()
  const status = steps.find((one) => one.step === name)?.status
  return defined<MachineView>({
    definition: drawable(step.statechart),
    value: status === 'unknown' ? undefined : status,
  })
}

/** A machine's configuration as JSON: functions by their names. */
function drawable(config: unknown): unknown {
  try {
    const text = JSON.stringify(config, (_key, value: unknown) => {
      if (typeof value === 'function') return { type: value.name === '' ? 'inline' : value.name }
      return typeof value === 'bigint' ? String(value) : value
    })
    if (text === undefined || text.length > mostCharacters) return undefined
    return JSON.parse(text) as unknown
  } catch {
    return undefined // it holds a cycle, or a getter that throws
  }
}
