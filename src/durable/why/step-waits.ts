import type { StepWait } from '../records/step-info.ts'
import { spanOf } from '../records/span-of.ts'
import { waitText } from '../records/wait-text.ts'
import type { Why, WhyCode } from './why.ts'

const codes: Readonly<Record<StepWait['kind'], WhyCode>> = {
  inputs: 'step.waitsForInputs',
  retry: 'step.retrying',
  time: 'step.waitsForTime',
  signal: 'step.waitsForSignal',
  messages: 'step.waitsForMessages',
  remote: 'step.waitsForRemote',
  child: 'step.waitsForChild',
  event: 'step.waitsForEvent',
  verbs: 'step.waitsForVerbs',
  slot: 'step.waitsForSlot',
  limit: 'step.waitsForLimit',
  result: 'step.waitsForResult',
  owner: 'step.unknown',
}

/** The code of what a step waits for. */
export function codeOfWait({ kind }: StepWait): WhyCode {
  return codes[kind]
}

const mostHolders = 20

/** What a step waits for, as fields of a reason. */
export function fieldsOfWait(wait: StepWait): Pick<Why, 'until' | 'limit' | 'heldBy'> {
  if (wait.kind === 'limit') {
    const [first] = wait.limits
    const until = wait.limits.find(({ nextAt }) => nextAt !== undefined)?.nextAt
    return {
      ...(first?.limit !== undefined && { limit: first.limit }),
      heldBy: [...new Set(wait.limits.flatMap(({ heldBy }) => heldBy))].slice(0, mostHolders),
      ...(until !== undefined && { until }),
    }
  }
  if (wait.kind === 'time' || wait.kind === 'retry') return { until: wait.at }
  const until = 'until' in wait ? wait.until : undefined
  return until === undefined ? {} : { until }
}

/** What a step waits for, in words that go on from its name. */
export function textOfWait(wait: StepWait, since: Date | undefined, now: number): string {
  const duration = since === undefined ? '' : `, and has for ${spanOf(Math.max(0, now - since.getTime()))}`
  if (wait.kind === 'slot')
    return `waits for its turn: as many attempts of it run in its process as its concurrency or its rate lets${duration}`
  if (wait.kind === 'time') return `waits for ${waitText(wait)} (${inSpan(wait.at, now)})`
  return `waits for ${waitText(wait)}${duration}`
}

/** How far away a time is. */
export function inSpan(at: Date, now: number): string {
  const leftMs = at.getTime() - now
  return leftMs > 0 ? `in ${spanOf(leftMs)}` : `due since ${spanOf(-leftMs)}`
}
