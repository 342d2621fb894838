import { eventKeys, eventTypes } from './broadcasts.ts'
import { addElsewhere, addOddments } from './elsewhere.ts'
import type { Features } from './features.ts'
import { addLimits } from './limits.ts'
import { randomStates } from './machine-model.ts'
import type { RandomSource } from './random-source.ts'
import { addWaits } from './random-waits.ts'
import { fromStep, plainStep, portOf } from './simulated-step.ts'
import type { EventVerb, MoreVerbs, SimulatedGraph, SimulatedPort, SimulatedStep } from './simulated-step.ts'
/** A graph for a run to use; `isCalm` leaves out what makes steps fail or repeat. */
export function randomGraph(
  random: RandomSource,
  name: string,
  isCalm: boolean,
  features: Features,
  children: readonly SimulatedGraph[] = [],
): SimulatedGraph {
  const { hasFallbacks, hasBatches, hasControlFlow, hasWaits, hasFunctions, hasMachines, hasEvents } = features
  const leaves = random.int(1, 2)
  const steps: SimulatedStep[] = []
  const length = random.int(1, hasWaits ? 4 : 6)
  for (let index = 0; index < length; index++) steps.push(randomStep(random, name, index, leaves, isCalm))
  const used = new Set(steps.flatMap(({ ports }) => ports.map(({ from }) => ('step' in from ? from.step : -1))))
  const last = steps.at(-1)!
  const more = steps
    .slice(0, -1)
    .flatMap((_, index): SimulatedPort[] =>
      used.has(index) ? [] : [{ name: `u${index}`, from: { step: index }, isOptional: random.chance(0.2) }],
    )
  steps[length - 1] = { ...last, ports: [...last.ports, ...more] }
  if (hasFallbacks)
    for (const [index, each] of steps.entries())
      if (random.chance(0.5)) steps[index] = { ...each, ...failing(each, random) }
  if (hasBatches && random.chance(0.4)) makeBarrier(steps, random.int(0, length - 1))
  if (hasWaits) addWaits(random, name, steps, leaves, children, hasEvents)
  else if (hasControlFlow) addControlFlow(random, name, steps)
  if (hasMachines) makeMachines(random, steps, isCalm)
  if (hasFunctions) makeFunctions(random, steps, hasEvents, features.hasVerbs ? children : undefined, features)
  if (features.hasOddments) addOddments(random, steps)
  if (features.hasLimits) addLimits(random, steps)
  if (features.hasElsewhere) addElsewhere(random, steps)
  // What is remembered for all executions stays in its store.
  if (features.hasStores)
    for (const [index, each] of steps.entries())
      if (each.scope === 'global') steps[index] = { ...each, scope: 'execution', ttlMs: undefined }
  return { name, leaves, steps, timeoutMs: !isCalm && random.chance(0.1) ? random.int(3_000, 30_000) : undefined }
}

/** Graphs that run within others: one, one with a child of its own, or none. */
export function randomChildren(random: RandomSource, isCalm: boolean, features: Features): readonly SimulatedGraph[] {
  // Families are not moved.
  if (features.hasStores) return []
  const depth = random.weighted({ none: 35, one: 45, two: 20 })
  if (depth === 'none') return []
  if (depth === 'one') return [randomGraph(random, 'C0', isCalm, features)]
  const inner = randomGraph(random, 'D0', isCalm, features)
  return [inner, randomGraph(random, 'C0', isCalm, features, [inner])]
}

/** Lets steps be undone, and adds a timer, a race of it and some step, and a step that needs the race and all else, and fails at times. */
function addControlFlow(random: RandomSource, graph: string, steps: SimulatedStep[]): void {
  for (const [index, step] of steps.entries())
    if (random.chance(0.6))
      steps[index] = { ...step, compensates: true, scope: 'execution', ttlMs: undefined, isUnique: true }
  const last = steps.length - 1
  const timer = steps.push({
    ...plainStep,
    name: `${graph}.S${last + 1}`,
    kind: 'timer',
    ports: random.chance(0.3) ? [portOf({ leaf: 0 }, 'p0')] : [],
    afterMs: random.pick([0, 50, 1_000, 5_000, 20_000]),
  })
  const race = steps.push({
    ...plainStep,
    name: `${graph}.S${timer}`,
    kind: random.pick(['race', 'passing race']),
    ports: [portOf(fromStep(random.int(0, last)), 'one'), portOf(fromStep(timer - 1), 'two')],
  })
  steps.push({
    ...plainStep,
    name: `${graph}.S${race}`,
    ports: [portOf(fromStep(last), 'p0'), portOf(fromStep(race - 1), 'p1')],
    scope: random.pick([undefined, 'execution']),
    longestMs: random.pick([0, 50, 3_000]),
    failureRate: random.pick([0, 0.3, 0.8]),
  })
}

/** Makes machines of steps that are functions, and are not undone. */
function makeMachines(random: RandomSource, steps: SimulatedStep[], isCalm: boolean): void {
  for (const [index, step] of steps.entries())
    if (step.kind === undefined && step.compensates !== true && step.fallback === undefined && random.chance(0.7))
      steps[index] = {
        ...step,
        kind: 'machine',
        scope: 'execution',
        ttlMs: undefined,
        isUnique: false,
        maxAttempts: 1,
        machine: { states: randomStates(random, isCalm) },
      }
}

/** Makes durable functions of steps that are functions, and are not undone; with `children`, some that do all that these can. */
function makeFunctions(
  random: RandomSource,
  steps: SimulatedStep[],
  hasEvents: boolean,
  children: readonly SimulatedGraph[] | undefined,
  features: Features,
): void {
  for (const [index, step] of steps.entries())
    if (step.kind === undefined && step.compensates !== true && step.fallback === undefined && random.chance(0.6))
      steps[index] = {
        ...step,
        kind: 'function',
        scope: 'execution',
        ttlMs: undefined,
        isUnique: false,
        verbs: {
          length: random.int(1, 4),
          sleepMs: random.pick([0, 0, 300, 20_000]),
          event: hasEvents && random.chance(0.5) ? eventVerb(random) : undefined,
          more: children === undefined ? undefined : moreVerbs(random, children, features),
        },
      }
}

function moreVerbs(
  random: RandomSource,
  children: readonly SimulatedGraph[],
  { hasUpdates, hasLookers }: Features,
): MoreVerbs {
  return {
    child:
      children.length > 0 && random.chance(0.5)
        ? {
            graph: random.pick(children),
            waits: random.pick(['at once', 'later', 'never']),
            onParentEnd: random.pick(['leave', 'cancel', 'wait']),
          }
        : undefined,
    receives: Array.from({ length: random.pick([0, 1, 3]) }, () => random.pick([undefined, 0, 300, 5_000])),
    requests: hasUpdates
      ? Array.from({ length: random.pick([1, 1, 1, 2]) }, () => random.pick([undefined, undefined, 0, 2_000]))
      : [],
    hasBranches: random.chance(0.3),
    attempts: random.pick([1, 3]),
    publishes: random.chance(hasLookers ? 0.9 : 0.3),
    generations: hasUpdates ? random.pick([0, 0, 0, 1]) : random.pick([0, 0, 1, 2]),
  }
}

function eventVerb(random: RandomSource): EventVerb {
  return {
    does: random.pick(['emit', 'wait']),
    type: random.int(0, eventTypes.length - 1),
    key: random.pick(eventKeys),
    timeoutMs: random.pick([0, 300, 3_000, 20_000]),
  }
}

/** Lets a step wait for all items of a batch, if it takes what other steps make. */
function makeBarrier(steps: SimulatedStep[], index: number): void {
  const step = steps[index]!
  const ports = step.ports.flatMap((port) => ('step' in port.from ? [{ ...port, isOptional: false, isAll: true }] : []))
  if (ports.length > 0) steps[index] = { ...step, ports }
}

/** Fallbacks are of no use where nothing fails. */
function failing(step: SimulatedStep, random: RandomSource): Partial<SimulatedStep> {
  return {
    fallback: random.weighted({ value: 30, prompt: 40, slow: 20, throws: 10 }),
    failureRate: random.pick([step.failureRate, 0.3, 0.7, 1]),
  }
}

function randomStep(
  random: RandomSource,
  graph: string,
  index: number,
  leaves: number,
  isCalm: boolean,
): SimulatedStep {
  const ports: SimulatedPort[] = []
  const wanted = random.int(index === 0 ? 0 : 1, 2)
  while (ports.length < wanted) {
    const isLeaf = index === 0 || random.chance(0.25)
    const from = isLeaf ? { leaf: random.int(0, leaves - 1) } : { step: random.int(0, index - 1) }
    ports.push({ name: `p${ports.length}`, from, isOptional: !isLeaf && random.chance(0.15) })
  }
  const scope = ({ none: undefined, execution: 'execution', global: 'global' } as const)[
    random.weighted({ none: 25, execution: 45, global: 30 })
  ]
  const longestMs = random.pick([0, 5, 50, 400, 3_000, 8_000])
  const mayFail = random.chance(isCalm ? 0.3 : 0.4)
  return {
    name: `${graph}.S${index}`,
    ports,
    scope,
    ttlMs: scope === 'global' && random.chance(0.3) ? random.int(500, 20_000) : undefined,
    maxAttempts: mayFail ? random.int(2, 4) : 1,
    backoffMs: random.pick([0, 20, 300, 2_000]),
    isExponential: random.chance(0.5),
    timeoutMs: !isCalm && random.chance(0.15) ? random.int(20, 4_000) : undefined,
    shortestMs: longestMs >> 1,
    longestMs,
    failureRate: mayFail ? random.pick([0.2, 0.5]) : isCalm ? 0 : random.pick([0, 0, 0, 0.1]),
    heeds: random.chance(0.6),
    isUnique: random.chance(0.7),
  }
}
