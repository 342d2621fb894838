import type { ExecutionRecord } from '../core/contracts/execution-record.ts'
import { isTerminal } from '../core/contracts/statuses.ts'
import { DocketError } from '../core/docket-error.ts'
import type { AnyGraph, StepSpec } from '../core/graph/graph-index.ts'
import { planOf, requireIndex } from '../core/graph/plan.ts'
import type { Plan } from '../core/graph/plan.ts'
import { allAnswers } from '../runtime/store-access/all-answers.ts'
import type { DocketContext } from './context/docket-context.ts'
import { detailsOf } from './execution-details.ts'
import { listWorkers } from './list-workers.ts'
import { dateOf } from './records/date-of.ts'
import { noSuchExecution } from './records/execution-info.ts'
import type { ExecutionDetails } from './records/execution-info.ts'
import { headOfBatch } from './records/batch-head.ts'
import { planOfRecord } from './records/restore-execution.ts'
import { concludedSteps } from './why/concluded-steps.ts'
import { whyExecution } from './why/why-execution.ts'
import { mostAhead } from './why/why-facts.ts'
import type { QueueFacts, WhyFacts } from './why/why-facts.ts'
import type { Why, WhyOptions } from './why/why.ts'

const mostCounted = 1_000
const mostChildren = 20

/** All that the reasons of one execution are taken from. `isNested`: of a child, for its parent. @throws ExecutionConflictError, StoreError */
export async function whyFactsOf(
  context: DocketContext,
  id: string,
  { live }: WhyOptions,
  isNested = false,
): Promise<WhyFacts> {
  const { clock, setup, owned } = context
  const read = await detailsOf(context, id, { live })
  // Between the two readings it may have gone on: the later one says what it is at.
  const stored = await context.recordOf(id)
  if (stored === undefined) throw noSuchExecution(id)
  const record = await context.presentRecord(stored)
  const graph = context.graphOf(stored)
  const isOpen = !isTerminal(read.status) && !read.isDetached
  const isUnrun = isOpen && read.lease?.isAlive !== true
  const [plan, workers, queue, children] = await Promise.all([
    planOfStored(context, record, graph),
    isUnrun ? listWorkers(context) : [],
    isUnrun ? queueFactsOf(context, record) : undefined,
    isNested ? new Map<string, Why>() : childrenOf(context, read),
  ])
  return {
    record,
    details: { ...read, steps: concludedSteps(plan, read.steps) },
    plan,
    persistOf: (spec: StepSpec) => spec.persist ?? setup.persistOf?.(spec),
    now: clock.now(),
    graphNames: [
      ...new Set([stored.graph, record.graph, ...(graph === undefined ? [] : [graph.name, ...graph.formerly])]),
    ],
    knowsGraph: graph !== undefined,
    unwritten: owned.get(id)?.unwrittenEnd,
    queue,
    workers,
    children,
  }
}

/** The plan of a record, of a batch that of each of its items. */
async function planOfStored(
  context: DocketContext,
  record: ExecutionRecord,
  graph: AnyGraph | undefined,
): Promise<Plan | undefined> {
  if (graph === undefined) return undefined
  const { encoding } = context.connection
  if (record.kind !== 'batch') return planOfRecord(record, graph, encoding)
  const target = requireIndex(graph).types.get(record.target)
  if (target === undefined) return undefined
  try {
    const { overrides = {} } = await headOfBatch(record, encoding)
    return planOf(graph, target, new Set(Object.keys(overrides)))
  } catch (error) {
    if (!(error instanceof DocketError)) throw error
    return undefined
  }
}

/** Why each child that a step waits for is where it is, one level deep. */
async function childrenOf(context: DocketContext, { steps }: ExecutionDetails): Promise<ReadonlyMap<string, Why>> {
  const ids = steps.flatMap(({ waitsFor }) => (waitsFor?.kind === 'child' ? [waitsFor.execution] : []))
  const found = await Promise.all(
    ids.slice(0, mostChildren).map(async (id): Promise<readonly (readonly [string, Why])[]> => {
      // It may not have begun, or have been purged.
      if ((await context.recordOf(id)) === undefined) return []
      return [[id, whyExecution(await whyFactsOf(context, id, {}, true))]]
    }),
  )
  return new Map(found.flat())
}

async function queueFactsOf(context: DocketContext, record: ExecutionRecord): Promise<QueueFacts> {
  const { connection } = context
  const { store } = connection
  const { queue } = record
  return connection.patiently(async () => {
    const [state] = allAnswers(store, 'readQueues', [queue], await store.readQueues([queue]))
    const requests = [{ queue, upTo: mostCounted }]
    const [backlog] = allAnswers(store, 'backlog', requests, await store.backlog(requests))
    return {
      pausedAt: dateOf(state?.pausedAt),
      note: state?.note,
      ready: backlog!.ready,
      ahead: await aheadOf(context, record),
    }
  })
}

/** How many of its queue and key begin before it. What has begun, or had an owner, goes on by its age. */
async function aheadOf({ connection: { store } }: DocketContext, record: ExecutionRecord): Promise<number> {
  const { queue, key, createdAt, id, priority, startedAt } = record
  if (startedAt !== undefined) return 0
  const query = { queue, key, statuses: ['pending'], limit: mostAhead } as const
  const older = await store.list({ ...query, createdBefore: createdAt + 1 })
  const younger = await store.list({ ...query, createdFrom: createdAt + 1 })
  const isBefore = (one: ExecutionRecord): boolean =>
    one.id !== id &&
    one.owner === undefined &&
    one.parkedAt === undefined &&
    (one.priority !== priority
      ? one.priority > priority
      : one.createdAt !== createdAt
        ? one.createdAt < createdAt
        : one.id < id)
  return Math.min(mostAhead, [...older, ...younger].filter(isBefore).length)
}
