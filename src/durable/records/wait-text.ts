import type { LimitInfo, StepInfo, StepWait } from './step-info.ts'

const mostShown = 5

/** What a step waits for, in words that go on from "waits for": as the page, the command line and `why` say it. Names are in quotes, times are in ISO format. */
export function waitText(wait: StepWait): string {
  switch (wait.kind) {
    case 'inputs':
      return `what ${quoted(wait.steps)} ${wait.steps.length === 1 ? 'makes' : 'make'}`
    case 'retry':
      return `its next attempt, at ${wait.at.toISOString()}`
    case 'time':
      return wait.at.toISOString()
    case 'limit':
      return wait.limits.map((limit) => limitText(limit)).join(' and ')
    case 'slot':
      return 'a slot in its process'
    case 'result':
      return 'the store, or for an equal call that makes its result'
    case 'owner':
      return 'its process, which alone knows what it does'
    default:
      return `${outsideText(wait)}${untilText(wait.until)}`
  }
}

/** What each step waits for that nothing here can hurry: times, what comes from outside, and limits. */
export function waitTexts(steps: readonly Pick<StepInfo, 'step' | 'item' | 'waitsFor'>[]): readonly string[] {
  return steps.flatMap(({ step, item, waitsFor }) => {
    const of = item === undefined ? '' : ` of item "${item}"`
    switch (waitsFor?.kind) {
      case 'time':
        return [`timer "${step}"${of} at ${waitsFor.at.toISOString()}`]
      case 'limit':
        return waitsFor.limits.map((limit) => limitText(limit, ` for step "${step}"${of}`))
      case 'verbs':
        return [`${outsideText(waitsFor)} of "${step}"${of}${untilText(waitsFor.until)}`]
      case 'remote':
      case 'messages':
        return [`${outsideText(waitsFor)} for step "${step}"${of}${untilText(waitsFor.until)}`]
      case 'child':
        return [waitText(waitsFor)]
      case 'signal':
      case 'event':
        return [`${outsideText(waitsFor)}${of}${untilText(waitsFor.until)}`]
      default:
        return []
    }
  })
}

type OutsideWait = Extract<StepWait, { readonly kind: 'signal' | 'event' | 'messages' | 'child' | 'remote' | 'verbs' }>

function outsideText(wait: OutsideWait): string {
  switch (wait.kind) {
    case 'signal':
      return `signal "${wait.signal}"`
    case 'event':
      return `event "${wait.event}" under "${wait.key}"`
    case 'messages':
      return wait.types.map((type) => `"${type}"`).join(' or ')
    case 'child':
      return `child "${wait.execution}"`
    case 'remote':
      return `"${wait.operation}" of another service`
    case 'verbs':
      return wait.verbs.length === 0 ? 'verbs' : wait.verbs.map((verb) => `"${verb}"`).join(', ')
    default:
      return wait satisfies never
  }
}

function limitText({ kind, limit, key, heldBy, nextAt }: LimitInfo, whose = ''): string {
  const which = `${kind === 'rate' ? 'its turn in the rate' : 'a slot'}${limit === undefined ? '' : ` of ${limit}`}`
  const held = heldBy.length === 0 ? '' : `, held by ${quoted(heldBy)}`
  const next = nextAt === undefined ? '' : `, the next at ${nextAt.toISOString()}`
  const under = key === undefined ? '' : key === '' ? ' of those without a key' : ` under "${key}"`
  return `${which}${whose}${under}${held}${next}`
}

/** Names in a sentence; of many the first, and how many more there are. */
function quoted(names: readonly string[]): string {
  const more = names.length - mostShown
  const shown = names.slice(0, mostShown).map((name) => `"${name}"`)
  return `${shown.join(', ')}${more > 0 ? ` and ${more} more` : ''}`
}

function untilText(until: Date | undefined): string {
  return until === undefined ? '' : ` until ${until.toISOString()}`
}
