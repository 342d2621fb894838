import type { Owned } from './ownership/owned.ts'
import { liveStepInfos } from './records/open-steps.ts'

/** What was known of an execution when its handle was made. */
export interface KnownOfHandle {
  readonly graph?: string
  readonly target?: string
  readonly status?: string
}

/** What `console.log` shows of a handle; `here` is the execution, where it lives in this process. */
export function textOfHandle(id: string, known: KnownOfHandle, here: Owned | undefined): string {
  const { graph, target } = here ?? known
  const status = here === undefined ? known.status : undefined
  const of = graph === undefined ? '' : ` of graph ${JSON.stringify(graph)}, target ${JSON.stringify(target)}`
  const counts = new Map<string, number>()
  if (here?.liveSteps !== undefined)
    for (const step of liveStepInfos(here.liveSteps, [])) counts.set(step.status, (counts.get(step.status) ?? 0) + 1)
  const steps = [...counts].map(([state, count]) => `${count} ${state}`).join(', ')
  const place = here === undefined ? 'not in this process' : `${here.hasEnded ? 'ended' : 'running'} here`
  const shown = [status === undefined ? '' : `was ${status}`, place, steps && `steps: ${steps}`]
  return `ExecutionHandle ${JSON.stringify(id)}${of} (${shown.filter((text) => text !== '').join('; ')}; details() shows more)`
}
