import type { Life } from './life.ts'
import { shortName } from './simulated-step.ts'
import type { SimulatedGraph, SimulatedStep } from './simulated-step.ts'

/**
 * Steps of an execution that lead to inputs which lost their race, and to nothing that its outcome is made of: by name. What they did is undone, however
 * it ends. With `andMaybe`, those too that lead to nothing else but what failed, or is undone.
 */
export function losersOf({ steps }: SimulatedGraph, life: Life, andMaybe = false): ReadonlySet<string> {
  const winners = new Map<number, readonly number[]>()
  for (const [index, step] of steps.entries()) {
    const possible = winnersOf(steps, step, life)
    if (possible.length > 0) winners.set(index, possible)
  }
  const sources = (index: number): readonly number[] =>
    life.overrides[steps[index]!.name] === undefined
      ? steps[index]!.ports.flatMap(({ from }) => ('step' in from ? [from.step] : []))
      : []
  const needed = above([steps.length - 1], (index) => {
    const made = winners.get(index) ?? sources(index)
    // Any of several may have lost.
    if (andMaybe && (winners.get(index)?.length ?? 0) > 1) return []
    return andMaybe ? made.filter((source) => !hasFailed(steps[source]!, life)) : made
  })
  const lost = [...winners].flatMap(([race, possible]) =>
    sources(race).filter((source) => !possible.includes(source) || (andMaybe && possible.length > 1)),
  )
  return new Set([...above(lost, sources)].filter((index) => !needed.has(index)).map((index) => steps[index]!.name))
}

/** Which of the steps may have won a race, as far as the records say: several, where they came to the same value. */
function winnersOf(steps: readonly SimulatedStep[], race: SimulatedStep, life: Life): readonly number[] {
  const kept = life.steps.get(race.name)
  // One that no input reached has failed, whatever its fallback gave.
  if (kept?.value === undefined || (race.kind !== 'race' && race.kind !== 'passing race')) return []
  return race.ports.flatMap(({ name, from }) => {
    if (!('step' in from)) return []
    const source = steps[from.step]!
    const hasWon =
      race.kind === 'race'
        ? kept.value === `${shortName(race)}(${name})` || String(kept.value).startsWith(`{"port":"${name}"`)
        : kept.value === (life.overrides[source.name] ?? life.steps.get(source.name)?.value) ||
          String(kept.value).startsWith(`${shortName(source)}!`)
    return hasWon ? [from.step] : []
  })
}

function hasFailed({ name, fallback }: SimulatedStep, { steps }: Life): boolean {
  const status = steps.get(name)?.record.status
  return (status === 'failed' || status === 'cancelled' || status === 'skipped') && fallback === undefined
}

function above(from: readonly number[], needs: (index: number) => readonly number[]): ReadonlySet<number> {
  const found = new Set<number>()
  const open = [...from]
  for (let index = open.pop(); index !== undefined; index = open.pop()) {
    if (found.has(index)) continue
    found.add(index)
    open.push(...needs(index))
  }
  return found
}
