import { eventKeys, eventTypes } from './broadcasts.ts'
import { fromStep, isNeeded, plainStep, portOf } from './simulated-step.ts'
import type { SimulatedGraph, SimulatedPort, SimulatedStep } from './simulated-step.ts'
import type { RandomSource } from './random-source.ts'

/** Lets steps be undone, and adds signals, timers, children, races of all these, and a step that needs what nothing else takes, and fails at times. */
export function addWaits(
  random: RandomSource,
  graph: string,
  steps: SimulatedStep[],
  leaves: number,
  children: readonly SimulatedGraph[],
  hasEvents: boolean,
): void {
  for (const [index, step] of steps.entries())
    if (random.chance(0.5))
      steps[index] = { ...step, compensates: true, scope: 'execution', ttlMs: undefined, isUnique: true }
  const add = (more: Partial<SimulatedStep> & Pick<SimulatedStep, 'ports'>): void =>
    void steps.push({ ...plainStep, name: `${graph}.S${steps.length}`, ...more })
  const anything = (): SimulatedPort['from'] =>
    random.chance(0.3) ? { leaf: random.int(0, leaves - 1) } : fromStep(random.int(0, steps.length - 1))
  for (let signals = random.int(0, 2); signals > 0; signals--) add(signalOf(random, anything))
  if (hasEvents) for (let events = random.int(1, 2); events > 0; events--) add(eventOf(random, anything))
  for (let timers = random.int(0, 2); timers > 0; timers--)
    add({
      kind: 'timer',
      ports: random.chance(0.4) ? [portOf(anything(), 'p0')] : [],
      afterMs: random.pick([0, 50, 1_000, 5_000, 20_000, 60_000]),
      timeoutMs: random.chance(0.2) ? random.pick([40, 4_000]) : undefined,
      hasCondition: random.chance(0.1),
    })
  if (children.length > 0)
    for (let count = random.int(0, 2); count > 0; count--) {
      const child = random.pick(children)
      add({
        kind: 'child',
        child,
        ports: Array.from({ length: child.leaves }, (_, leaf) => portOf(anything(), `L${leaf}`)).filter((_, leaf) =>
          isNeeded(child, leaf),
        ),
        compensates: random.chance(0.3),
        maxAttempts: random.chance(0.2) ? 2 : 1,
        backoffMs: random.pick([0, 300]),
        timeoutMs: random.chance(0.15) ? random.pick([300, 10_000]) : undefined,
        hasCondition: random.chance(0.1),
      })
    }
  if (steps.length > 1) for (let races = random.int(1, 2); races > 0; races--) add(raceOf(random, steps))
  add({ ports: unused(random, steps), ...endOf(random) })
}

function signalOf(
  random: RandomSource,
  anything: () => SimulatedPort['from'],
): Partial<SimulatedStep> & Pick<SimulatedStep, 'ports'> {
  const timeoutMs = random.pick([undefined, undefined, 500, 5_000, 30_000])
  return {
    kind: 'signal',
    ports: random.chance(0.4) ? [portOf(anything(), 'p0')] : [],
    timeoutMs,
    ...(timeoutMs !== undefined && random.chance(0.5) && { fallback: 'value' }),
    isCheckedSlowly: random.chance(0.15),
  }
}

function eventOf(
  random: RandomSource,
  anything: () => SimulatedPort['from'],
): Partial<SimulatedStep> & Pick<SimulatedStep, 'ports'> {
  const ports = random.chance(0.6) ? [portOf(anything(), 'p0')] : []
  const timeoutMs = random.pick([undefined, undefined, 500, 5_000, 30_000])
  return {
    kind: 'event',
    ports,
    event: {
      type: random.int(0, eventTypes.length - 1),
      key: ports.length > 0 && random.chance(0.6) ? undefined : random.pick(eventKeys),
    },
    timeoutMs,
    ...(timeoutMs !== undefined && random.chance(0.5) && { fallback: 'value' }),
    hasCondition: ports.length > 0 && random.chance(0.1),
  }
}

/** Of those that were added last most often: they are the ones that wait. */
function raceOf(
  random: RandomSource,
  steps: readonly SimulatedStep[],
): Partial<SimulatedStep> & Pick<SimulatedStep, 'ports'> {
  const members = new Set<number>()
  const count = Math.min(steps.length, random.int(2, 3))
  while (members.size < count) members.add(Math.floor(Math.sqrt(random.next()) * steps.length))
  return {
    kind: random.pick(['race', 'passing race']),
    ports: [...members].map((index, place) => portOf(fromStep(index), ['one', 'two', 'three'][place]!)),
    ...(random.chance(0.2) && { fallback: 'value' }),
  }
}

/** What nothing takes yet, some of it only if it comes. */
function unused(random: RandomSource, steps: readonly SimulatedStep[]): readonly SimulatedPort[] {
  const taken = new Set(steps.flatMap(({ ports }) => ports.map(({ from }) => ('step' in from ? from.step : -1))))
  return steps.flatMap((_, index) =>
    taken.has(index) ? [] : [{ ...portOf(fromStep(index), `p${index}`), isOptional: random.chance(0.5) }],
  )
}

function endOf(random: RandomSource): Partial<SimulatedStep> {
  return {
    scope: random.pick([undefined, 'execution']),
    longestMs: random.pick([0, 50, 3_000]),
    failureRate: random.pick([0, 0, 0.3, 0.8]),
  }
}
