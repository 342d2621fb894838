import type { Store } from '../../../src/core/contracts/store.ts'
import type { Docket, ExecutionHandle } from '../../../src/index.ts'
import { Last } from './deadly-graphs.ts'
import type { DeadlyGraphs } from './deadly-graphs.ts'

/** When a process dies: at a call of its store, the nth that is meant; while a step is under way, the nth of its name; or after a while. */
export type Moment =
  | {
      readonly call: string
      /** `sent`: it has left the process, whose end meets it on its way or in the server. */
      readonly when: 'before' | 'sent' | 'after'
      readonly nth?: number
      /** Only commits that give an execution up, or that write how far something is undone; only reads that give something. */
      readonly of?: 'releases' | 'undoings' | 'found'
    }
  | { readonly during: string; readonly nth?: number }
  | { readonly afterMs: number }
  /** Whoever watches it kills it, when what it does has been done to it. */
  | { readonly by: 'parent' }

/** Who acts. Values of the seed distinguish results. */
export interface Actor {
  readonly docket: Docket
  readonly store: Store
  readonly graphs: DeadlyGraphs
  readonly id: string
  readonly seed: number
}

/** What a process does until it dies. */
export interface Scenario {
  /** What is done before by one that lives. */
  readonly before?: (living: Actor) => Promise<unknown>
  readonly act: (dying: Actor) => Promise<unknown>
  /** What one that lives does to it meanwhile, as soon as it has begun a step. */
  readonly meanwhile?: (living: Actor) => Promise<unknown>
  /** Whether it reads no messages. @default false */
  readonly isDeaf?: boolean
  /** How long its steps take. @default 30 ms */
  readonly stepMs?: number
  /** Whether it has the new version of the graphs. @default false */
  readonly isNew?: boolean
}

const items = (seed: number, count: number) =>
  Array.from({ length: count }, (_, index) => ({ Seed: seed + index / count }))

function execute({ docket, graphs, id, seed }: Actor, sign = 1): Promise<number> {
  return docket.execute(graphs.work, Last, { Seed: seed * sign }, { id })
}

function started({ docket, graphs, id, seed }: Actor) {
  return docket.start(graphs.work, Last, { Seed: seed }, { id })
}

function finished(living: Actor): Promise<number> {
  return execute({ ...living, seed: living.seed + 0.5 })
}

/** Leaves it to somebody else: in the middle of the last step. */
async function left(living: Actor): Promise<void> {
  const { docket, graphs, id, seed } = living
  await begun(await docket.start(graphs.moved, Last, { Seed: seed }, { id }), 'Old')
}

/** Resolves when a step is under way. */
async function begun(handle: ExecutionHandle<number>, name: string): Promise<void> {
  const until = Date.now() + 10_000
  while ((await handle.details()).steps.every(({ step, startedAt }) => step !== name || startedAt === undefined))
    if (Date.now() > until) throw new Error(`step "${name}" of "${handle.id}" does not begin`)
}

export const scenarios = {
  'an execution': { act: execute },
  'an execution that fails': { act: (dying) => execute(dying, -1) },
  'a result that another one makes': {
    before: async (living) => begun(await started({ ...living, id: `${living.id} other` }), 'Shared'),
    act: execute,
  },
  'a result alone': { act: ({ docket, graphs, seed }) => docket.execute(graphs.alone, Last, { Seed: seed }) },
  'a result that is given up': {
    act: ({ docket, graphs, seed }) =>
      docket.execute(graphs.alone, Last, { Seed: seed }, { signal: AbortSignal.timeout(10) }),
  },
  'a batch': {
    act: async ({ docket, graphs, id, seed }) =>
      (await docket.startBatch(graphs.work, Last, items(seed, 40), { id, concurrency: 4 })).result(),
  },
  'a batch whose items fail': {
    act: async ({ docket, graphs, id, seed }) => {
      const all = items(-seed, 6)
      return (await docket.startBatch(graphs.work, Last, all, { id, onError: 'collect' })).result()
    },
  },
  'a wait for a time': { act: ({ docket, graphs, id }) => docket.execute(graphs.timed, Last, { Seed: 1 }, { id }) },
  'a race': {
    act: ({ docket, graphs, id }) => docket.execute(graphs.contest, Last, { Seed: 1 }, { id }),
    stepMs: 200,
  },
  'what is undone': { act: ({ docket, graphs, id }) => docket.execute(graphs.trip, Last, { Seed: 1 }, { id }) },
  'a new version': {
    before: left,
    act: async ({ docket, id }) => {
      const handle = (await docket.get(id))!
      await docket.resume()
      return handle.result()
    },
    isNew: true,
  },
  'a fork': {
    before: finished,
    act: async ({ docket, id }) => (await docket.fork(id, { from: 'Last', id: `${id} fork` })).result(),
  },
  'a retry': {
    before: (living) => execute(living, -1).catch(() => {}),
    act: async ({ docket, id }) => (await docket.retry(id)).result(),
  },
  'a cancellation': {
    act: async (dying) => {
      const handle = await started(dying)
      await handle.cancel()
    },
  },
  'a cancellation of another’s': {
    before: started,
    act: ({ docket, id }) => docket.cancel(id),
  },
  'a cancellation by another': {
    act: execute,
    meanwhile: ({ docket, id }) => docket.cancel(id),
    stepMs: 5_000,
  },
  'messages that it does not read': {
    act: execute,
    meanwhile: async ({ store, id }) => {
      const message = { execution: id, payload: undefined, at: Date.now() }
      await store.post([
        { ...message, class: 'data', kind: 'signal', id: 'first', slot: 'Reply' },
        { ...message, class: 'data', kind: 'signal', id: 'second', slot: 'Reply' },
        { ...message, class: 'control', kind: 'retry', andEnded: true },
        { ...message, class: 'control', kind: 'cancel' },
      ])
    },
    isDeaf: true,
    stepMs: 5_000,
  },
  'a deletion that it does not read': {
    act: execute,
    meanwhile: async ({ store, id }) => {
      const message = { execution: id, payload: undefined, at: Date.now() }
      await store.post([{ ...message, class: 'control', kind: 'delete', andEnded: true }])
    },
    isDeaf: true,
    stepMs: 5_000,
  },
  'a message with a slot': {
    before: started,
    act: async ({ store, id }) => {
      const message = { execution: id, payload: undefined, at: Date.now(), class: 'data', kind: 'signal' } as const
      await store.post([{ ...message, id: 'first', slot: 'Reply' }])
      await store.post([{ ...message, id: 'second', slot: 'Reply' }])
    },
  },
  'one that waits in the store': {
    act: async ({ docket, store, graphs, id, seed }) => {
      await docket.start(graphs.alone, Last, { Seed: seed }, { id })
      const { owner, epoch } = (await store.get([id]))[0]!
      const commit = { id, owner: owner!, epoch, sequence: Number.MAX_SAFE_INTEGER, at: Date.now(), steps: [] }
      await store.commit([{ ...commit, closedSlots: ['Closed'] }])
      await store.commit([{ ...commit, park: { lastSeq: 0, dueAt: Date.now() + 300, waitsFor: '{}' } }])
    },
    stepMs: 5_000,
  },
  'a deletion': {
    act: async (dying) => {
      await started(dying)
      await dying.docket.delete(dying.id)
    },
  },
  'a deletion of another’s': { before: started, act: ({ docket, id }) => docket.delete(id) },
  'a purge': {
    before: (living) =>
      Promise.allSettled([1, 2, 3].map((one) => execute({ ...living, id: `${living.id} ${one}` }, -1))),
    act: ({ docket }) => docket.purge({ olderThan: 0 }),
  },
  'a close': {
    act: async (dying) => {
      await started(dying)
      await dying.docket.close({ deadline: 0, drain: false })
    },
  },
  'a detachment': { act: async (dying) => (await started(dying)).detach() },
} satisfies Readonly<Record<string, Scenario>>

export type ScenarioName = keyof typeof scenarios

/** One process that dies. */
export interface Death {
  readonly of: ScenarioName
  readonly at: Moment
}

/** Of the first one: there are no tables yet. */
export const deathAsItOpens: Death = { of: 'an execution', at: { call: 'open', when: 'sent' } }

/** One of each kind. */
export const deathsOfEachKind: readonly Death[] = [
  { of: 'an execution', at: { call: 'create', when: 'sent' } },
  { of: 'an execution', at: { call: 'create', when: 'after' } },
  { of: 'an execution', at: { call: 'claimResults', when: 'after' } },
  { of: 'an execution', at: { during: 'Shared' } },
  { of: 'an execution', at: { call: 'commitResults', when: 'sent' } },
  { of: 'an execution', at: { call: 'commit', when: 'sent' } },
  { of: 'an execution', at: { during: 'Last' } },
  { of: 'an execution that fails', at: { call: 'commitResults', when: 'before' } },
  { of: 'a result that another one makes', at: { call: 'getResults', when: 'after' } },
  { of: 'a result alone', at: { during: 'Alone' } },
  { of: 'a batch', at: { call: 'create', when: 'after' } },
  { of: 'a batch', at: { during: 'Last', nth: 20 } },
  { of: 'a wait for a time', at: { afterMs: 150 } },
  { of: 'a race', at: { during: 'Slowest' } },
  { of: 'what is undone', at: { during: 'undoing' } },
  { of: 'what is undone', at: { call: 'commit', of: 'undoings', when: 'sent' } },
  { of: 'a new version', at: { call: 'commit', when: 'sent' } },
  { of: 'a fork', at: { call: 'create', when: 'after' } },
  { of: 'a retry', at: { call: 'commit', when: 'sent' } },
  { of: 'a cancellation by another', at: { call: 'readMail', of: 'found', when: 'after' } },
  { of: 'messages that it does not read', at: { by: 'parent' } },
  { of: 'a deletion that it does not read', at: { by: 'parent' } },
  { of: 'a message with a slot', at: { call: 'post', when: 'after' } },
  { of: 'one that waits in the store', at: { call: 'commit', when: 'after', nth: 3 } },
  { of: 'a deletion', at: { call: 'delete', when: 'sent' } },
  { of: 'a purge', at: { call: 'purge', when: 'sent' } },
  { of: 'a close', at: { call: 'commit', of: 'releases', when: 'sent' } },
  { of: 'a close', at: { call: 'endOwner', when: 'before' } },
]
