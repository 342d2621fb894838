import type { StepWait } from '../durable/records/step-info.ts'

/** What a step waits for, in words. */
export function waitText(wait: StepWait): string {
  switch (wait.kind) {
    case 'inputs':
      return `what ${listed(wait.steps)} ${wait.steps.length === 1 ? 'makes' : 'make'}`
    case 'retry':
      return `its next attempt, at ${wait.at.toISOString()}`
    case 'time':
      return `a time: ${wait.at.toISOString()}`
    case 'signal':
      return `the signal ${wait.signal}${untilText(wait.until)}`
    case 'messages':
      return `a message: ${listed(wait.types)}${untilText(wait.until)}`
    case 'remote':
      return `the operation ${wait.operation} of another service${untilText(wait.until)}`
    case 'child':
      return `its child ${wait.execution}${untilText(wait.until)}`
    case 'event':
      return `the event ${wait.event} under the key ${wait.key}${untilText(wait.until)}`
    case 'verbs':
      return `${wait.verbs.length === 0 ? 'what its function waits for' : listed(wait.verbs)}${untilText(wait.until)}`
    case 'slot':
      return 'a slot of its limit in this process'
    case 'limit':
      return wait.limits.map(limitText).join('; ')
    case 'result':
      return 'the store, or an equal call that makes the result'
    case 'owner':
      return 'the process that runs its execution, which alone knows what it does'
  }
}

type Limit = Extract<StepWait, { readonly kind: 'limit' }>['limits'][number]

function limitText({ kind, scope, key, limit, heldBy, nextAt }: Limit): string {
  const of = `the ${kind} limit${limit === undefined ? '' : ` of ${limit}`} of its ${scope}${key === undefined ? '' : ` for ${key}`}`
  const held = heldBy.length === 0 ? '' : `, held by ${listed(heldBy)}`
  return `${of}${held}${nextAt === undefined ? '' : `, until ${nextAt.toISOString()}`}`
}

function untilText(until: Date | undefined): string {
  return until === undefined ? '' : `, until ${until.toISOString()}`
}

const mostListed = 10

function listed(names: readonly string[]): string {
  const more = names.length - mostListed
  return `${names.slice(0, mostListed).join(', ')}${more > 0 ? ` and ${more} more` : ''}`
}
