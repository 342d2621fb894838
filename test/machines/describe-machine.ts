import type { AnyStateMachine } from 'xstate'
import { readFlatMachine } from '../../machines/flat-machine.ts'
import type { FlatMachine, FlatTransition } from '../../machines/flat-machine.ts'

/** A machine as a Markdown table: a row for each event, a column for each state that is not an end. */
export function stateTableOf(machine: AnyStateMachine): string {
  const flat = readFlatMachine(machine)
  const states = flat.states.filter(({ isFinal }) => !isFinal)
  const rows = eventsOf(flat).map((event) => [
    `\`${event}\``,
    ...states.map(({ transitions }) => nextStates(transitions.filter((transition) => transition.event === event))),
  ])
  const head = ['', ...states.map(({ name }) => `**${name}**`)]
  return [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n')
}

/** A machine as a Mermaid diagram. Events that lead from one state to the same other share an arrow. */
export function stateDiagramOf(machine: AnyStateMachine): string {
  const flat = readFlatMachine(machine)
  const arrows = flat.states.flatMap(({ name, transitions }) =>
    [...Map.groupBy(transitions, ({ target }) => target)].map(
      ([target, group]) => `${name} --> ${target}: ${group.map(labelOf).join(', ')}`,
    ),
  )
  const ends = flat.states.filter(({ isFinal }) => isFinal).map(({ name }) => `${name} --> [*]`)
  const lines = [`[*] --> ${flat.initial}`, ...arrows, ...ends].map((line) => `  ${line}`)
  return ['```mermaid', 'stateDiagram-v2', ...lines, '```'].join('\n')
}

function nextStates(candidates: readonly FlatTransition[]): string {
  const alternatives = candidates.map(({ guard, target }, index) => {
    if (guard !== undefined) return `${target} if ${guard.name}`
    return index === 0 ? target : `else ${target}`
  })
  return alternatives.join(', ')
}

function labelOf({ event, guard }: FlatTransition): string {
  return guard === undefined ? event : `${event} [${guard.name}]`
}

function eventsOf(flat: FlatMachine): string[] {
  return [...new Set(flat.states.flatMap(({ transitions }) => transitions.map(({ event }) => event)))]
}
