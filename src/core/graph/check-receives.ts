import { describe } from '../check-options.ts'
import { isRecord } from '../is-record.ts'
import type { AnyStep } from '../language/step.ts'

/** What is wrong with the data types that one step receives: each problem in words, after the step's name. */
export function checkReceived(
  step: Readonly<Record<string, unknown>>,
  problemOfType: (value: unknown) => string | undefined,
): readonly string[] {
  const { events, receives } = step
  if (step['kind'] === 'machine' && !isRecord(events))
    return [`events must be an object of data types by the names of events, not ${describe(events)}`]
  if (receives === undefined) return []
  if (!Array.isArray(receives)) return [`receives must be an array of data types, not ${describe(receives)}`]
  const named: readonly (readonly [string, unknown])[] =
    step['kind'] === 'machine'
      ? Object.entries(events as Record<string, unknown>).map(([event, type]) => [`its event "${event}"`, type])
      : receives.map((type, index) => [`receives[${index}]`, type])
  const seen = new Map<string, string>()
  return named.flatMap(([what, type]) => {
    const problem = problemOfType(type)
    if (problem !== undefined) return [`${what} ${problem}`]
    const { name } = type as { readonly name: string }
    const earlier = seen.get(name)
    if (earlier !== undefined)
      return [`${earlier} and ${what} are both "${name}": what comes would be either; each must be of another type`]
    seen.set(name, what)
    return []
  })
}

/** Reports types that come from outside in more than one way: a type is a signal, or made by a step, or received by one. */
export function checkReceivers(
  steps: readonly AnyStep[],
  producers: ReadonlyMap<string, AnyStep>,
  report: (message: string, step: string) => void,
): void {
  const receivers = new Map<string, string>()
  for (const { name, receives } of steps)
    for (const { name: type } of receives ?? []) {
      const earlier = receivers.get(type)
      if (earlier !== undefined)
        report(
          `two steps receive "${type}": "${earlier}" and "${name}"; what comes from outside goes to one step: give one of them a type of its own`,
          name,
        )
      else receivers.set(type, name)
      const producer = producers.get(type)
      if (producer === undefined) continue
      const what = producer.kind === 'signal' ? 'is a signal of this graph' : `step "${producer.name}" produces`
      report(
        `step "${name}" receives "${type}", which ${what}; a type is either made in the graph or received by one step: give it a type of its own`,
        name,
      )
    }
}

/** What is wrong with the data types that one step publishes: each problem in words, after the step's name. */
export function checkPublished(
  { publishes }: Readonly<Record<string, unknown>>,
  problemOfType: (value: unknown) => string | undefined,
): readonly string[] {
  if (publishes === undefined) return []
  if (!Array.isArray(publishes)) return [`publishes must be an array of data types, not ${describe(publishes)}`]
  return publishes.flatMap((type, index) => {
    const problem = problemOfType(type)
    if (problem !== undefined) return [`publishes[${index}] ${problem}`]
    const { name } = type as { readonly name: string }
    const earlier = publishes.findIndex((other) => (other as { readonly name?: unknown } | undefined)?.name === name)
    return earlier < index ? [`publishes[${earlier}] and publishes[${index}] are both "${name}"; name each once`] : []
  })
}

/** Reports types that are published, and made, given or received besides: whoever looked at one would not know at what. */
export function checkPublishers(
  steps: readonly AnyStep[],
  types: ReadonlyMap<string, unknown>,
  report: (message: string, step: string) => void,
): void {
  const known = new Map<string, string>()
  for (const name of types.keys()) known.set(name, 'is made by a step of this graph, or given to it')
  for (const { name, receives } of steps)
    for (const type of receives ?? []) known.set(type.name, `step "${name}" receives`)
  for (const { name, publishes } of steps)
    for (const type of publishes ?? []) {
      const what = known.get(type.name)
      if (what !== undefined)
        report(`step "${name}" publishes "${type.name}", which ${what}; give what it shows a type of its own`, name)
      known.set(type.name, `step "${name}" publishes`)
    }
}
