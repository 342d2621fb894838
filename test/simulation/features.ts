import type { RandomSource } from './random-source.ts'

/** What a world has besides executions of plain steps. */
export interface Features {
  readonly hasFallbacks: boolean
  readonly hasDeadlines: boolean
  readonly hasBatches: boolean
  /** Races, timers, and steps that are undone. */
  readonly hasControlFlow: boolean
  /** Besides those: signals, children, parking, clocks that are set, and messages to all of it. */
  readonly hasWaits: boolean
  /** Timers are given another time. */
  readonly hasMoves: boolean
  /** Some steps are durable functions. */
  readonly hasFunctions: boolean
  /** Some steps are machines. */
  readonly hasMachines: boolean
  /** Steps wait for events that are broadcast. */
  readonly hasEvents: boolean
  /** Executions have a `maxPending` and a `maxRunning`, and may begin later. */
  readonly hasLifetimes: boolean
  /** Executions are taken out of their docket. */
  readonly hasDetaching: boolean
  /** Durable functions have children and messages, and begin anew. */
  readonly hasVerbs: boolean
  /** Few attempts of steps run at the same time. */
  readonly hasLimits: boolean
  /** Executions stand in queues, and processes have slots. */
  readonly hasQueues: boolean
  /** Executions begin by the clock. */
  readonly hasSchedules: boolean
  /** Durable functions answer updates. */
  readonly hasUpdates: boolean
  /** Some steps run in a queue of their own, and children are not to go on in another process. */
  readonly hasElsewhere: boolean
  /** Starts have keys of which there are not to be several executions. */
  readonly hasKeys: boolean
  /** Executions are given values that steps would make. */
  readonly hasOverrides: boolean
  /** Steps have conditions, say when they are to be tried again, and what has ended is retried in portions or forgotten. */
  readonly hasOddments: boolean
  /** Something stands around all that dockets do. */
  readonly hasInterceptors: boolean
  /** Processes run several versions of their program, side by side. */
  readonly hasVersions: boolean
  /** Executions go to another store. */
  readonly hasStores: boolean
  /** Several schedules start executions, and people pause them, trigger them and take them away. */
  readonly hasTimetable: boolean
  /** People pause queues, and set their limits. */
  readonly hasOperators: boolean
  /** People look at what functions show. */
  readonly hasLookers: boolean
  readonly codec: 'none' | 'prompt' | 'slow'
}

/** Worlds below this seed are those from before there were features: they draw no numbers for them. */
export const firstFeaturedSeed = 1_000_001

/** Worlds from this seed on have races, timers, and steps that are undone. */
export const firstControlFlowSeed = 2_000_001

/** Worlds from this seed on have all of control flow. */
export const firstWaitingSeed = 3_000_001

/** Worlds from this seed on have batches of it too, and timers that are set otherwise. */
export const firstWaitingBatchSeed = 4_000_001

/** Worlds from this seed on have durable functions as well. */
export const firstFunctionSeed = 5_000_001

/** Worlds from this seed on have machines, too. */
export const firstMachineSeed = 30_000_001

/** Worlds from this seed on have events, limits of the time that executions take, and executions that are detached. */
export const firstEventSeed = 9_000_001

/** Worlds from this seed on have limits of steps, queues and slots, schedules, functions that do all that these can, and some of all the others. */
export const firstLimitedSeed = 200_000_001

/** Worlds from this seed on have updates, steps in queues of their own, starts with keys, overrides, conditions and retries in portions, and some of all the others. */
export const firstRequestSeed = 300_000_001

/** Worlds from this seed on have several versions of their program. */
export const firstVersionSeed = 400_000_001

/** Worlds from this seed on have another store, to which executions are moved. */
export const firstMovingSeed = 500_000_001

/** Worlds from this seed on have deadlines for all, which children are handed, and functions, batches and undoing that these meet. */
export const firstDeadlineSeed = 600_000_001

/** Worlds from this seed on have several schedules, and people who do all that can be done with them. */
export const firstTimetableSeed = 700_000_001

/** Worlds from this seed on have queues that people pause and limit. */
export const firstOperatedSeed = 800_000_001

/** Worlds from this seed on have people who look at what functions show. */
export const firstWatchedSeed = 900_000_001

const none: Features = {
  hasFallbacks: false,
  hasDeadlines: false,
  hasBatches: false,
  hasControlFlow: false,
  hasWaits: false,
  hasMoves: false,
  hasFunctions: false,
  hasMachines: false,
  hasEvents: false,
  hasLifetimes: false,
  hasDetaching: false,
  hasVerbs: false,
  hasLimits: false,
  hasQueues: false,
  hasSchedules: false,
  hasUpdates: false,
  hasElsewhere: false,
  hasKeys: false,
  hasOverrides: false,
  hasOddments: false,
  hasInterceptors: false,
  hasVersions: false,
  hasStores: false,
  hasTimetable: false,
  hasOperators: false,
  hasLookers: false,
  codec: 'none',
}

/** What all worlds of the later bands have. */
const moving: Features = { ...none, hasControlFlow: true, hasWaits: true, hasMoves: true }

/** What the world of a seed has. */
export function featuresOf(seed: number, random: RandomSource): Features {
  if (seed < firstFeaturedSeed) return none
  if (seed >= firstWatchedSeed)
    return {
      ...moving,
      hasFunctions: true,
      hasVerbs: true,
      hasDeadlines: random.chance(0.2),
      codec: random.weighted({ none: 50, prompt: 20, slow: 30 }),
      hasEvents: random.chance(0.2),
      hasUpdates: random.chance(0.4),
      hasOddments: random.chance(0.2),
      hasLookers: true,
    }
  if (seed >= firstOperatedSeed)
    return {
      ...moving,
      hasFunctions: random.chance(0.4),
      hasVerbs: random.chance(0.5),
      hasBatches: random.chance(0.4),
      hasDeadlines: random.chance(0.2),
      codec: random.weighted({ none: 60, prompt: 20, slow: 20 }),
      hasQueues: true,
      hasElsewhere: random.chance(0.3),
      hasKeys: random.chance(0.2),
      hasOddments: random.chance(0.3),
      hasOperators: true,
    }
  if (seed >= firstTimetableSeed)
    return {
      ...moving,
      hasFunctions: random.chance(0.4),
      hasVerbs: random.chance(0.4),
      hasMachines: random.chance(0.15),
      hasDeadlines: random.chance(0.2),
      codec: random.weighted({ none: 60, prompt: 20, slow: 20 }),
      hasQueues: random.chance(0.3),
      hasOddments: random.chance(0.2),
      hasTimetable: true,
    }
  if (seed >= firstDeadlineSeed)
    return {
      ...moving,
      hasFunctions: random.chance(0.5),
      hasVerbs: random.chance(0.7),
      hasMachines: random.chance(0.15),
      hasBatches: random.chance(0.4),
      hasDeadlines: true,
      codec: random.weighted({ none: 60, prompt: 20, slow: 20 }),
      hasEvents: random.chance(0.2),
      hasLifetimes: random.chance(0.3),
      hasDetaching: random.chance(0.3),
      hasQueues: random.chance(0.2),
      hasOddments: random.chance(0.3),
    }
  if (seed >= firstMovingSeed)
    return {
      ...moving,
      hasFunctions: random.chance(0.5),
      hasVerbs: random.chance(0.4),
      hasMachines: random.chance(0.3),
      hasBatches: random.chance(0.4),
      hasDeadlines: random.chance(0.2),
      codec: random.weighted({ none: 60, prompt: 20, slow: 20 }),
      hasOverrides: random.chance(0.2),
      hasStores: true,
    }
  if (seed >= firstVersionSeed)
    return {
      ...moving,
      hasFunctions: random.chance(0.4),
      hasVerbs: random.chance(0.4),
      hasMachines: random.chance(0.2),
      hasBatches: random.chance(0.4),
      hasDeadlines: random.chance(0.15),
      codec: random.weighted({ none: 60, prompt: 20, slow: 20 }),
      hasEvents: random.chance(0.3),
      hasOverrides: random.chance(0.3),
      hasOddments: random.chance(0.3),
      hasVersions: true,
    }
  if (seed >= firstRequestSeed) {
    const hasUpdates = random.chance(0.6)
    const hasElsewhere = random.chance(0.4)
    return {
      ...moving,
      hasFunctions: hasUpdates || random.chance(0.3),
      hasVerbs: hasUpdates || random.chance(0.3),
      hasBatches: random.chance(0.4),
      hasDeadlines: random.chance(0.2),
      codec: random.weighted({ none: 60, prompt: 20, slow: 20 }),
      hasLifetimes: random.chance(0.15),
      hasDetaching: random.chance(0.15),
      hasLimits: random.chance(0.2),
      hasQueues: hasElsewhere || random.chance(0.2),
      hasUpdates,
      hasElsewhere,
      hasKeys: random.chance(0.4),
      hasOverrides: random.chance(0.4),
      hasOddments: random.chance(0.5),
      hasInterceptors: seed % 4 === 3,
    }
  }
  if (seed >= firstLimitedSeed)
    return {
      ...moving,
      hasFunctions: random.chance(0.5),
      hasVerbs: random.chance(0.7),
      hasMachines: random.chance(0.15),
      hasBatches: random.chance(0.5),
      hasDeadlines: random.chance(0.2),
      codec: random.weighted({ none: 60, prompt: 20, slow: 20 }),
      hasEvents: random.chance(0.3),
      hasLifetimes: random.chance(0.3),
      hasDetaching: random.chance(0.2),
      hasLimits: random.chance(0.8),
      hasQueues: random.chance(0.6),
      hasSchedules: random.chance(0.5),
    }
  // Worlds with machines draw no numbers for it.
  const hasMore = seed >= firstEventSeed && seed < firstMachineSeed
  if (seed >= firstWaitingSeed)
    return {
      ...none,
      hasControlFlow: true,
      hasWaits: true,
      hasMoves: seed >= firstWaitingBatchSeed,
      hasFunctions: seed >= firstFunctionSeed,
      hasMachines: seed >= firstMachineSeed,
      hasBatches: seed >= firstWaitingBatchSeed && random.chance(0.6),
      hasDeadlines: random.chance(0.3),
      codec: random.weighted({ none: 60, prompt: 20, slow: 20 }),
      hasEvents: hasMore && random.chance(0.8),
      hasLifetimes: hasMore && random.chance(0.5),
      hasDetaching: hasMore && random.chance(0.5),
    }
  if (seed >= firstControlFlowSeed)
    return { ...none, hasControlFlow: true, codec: random.weighted({ none: 60, prompt: 20, slow: 20 }) }
  return {
    ...none,
    hasFallbacks: random.chance(0.6),
    hasDeadlines: random.chance(0.5),
    hasBatches: random.chance(0.65),
    codec: random.weighted({ none: 60, prompt: 20, slow: 20 }),
  }
}

/** For how long a world may be disturbed, and asked for something, in milliseconds. */
export function activeTimesOf({ hasTimetable, hasOperators, hasWaits }: Features): readonly number[] {
  if (hasTimetable || hasOperators) return [5_000, 15_000, 30_000]
  return hasWaits ? [2_000, 5_000, 12_000] : [3_000, 10_000, 25_000]
}
