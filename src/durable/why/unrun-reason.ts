import { dateOf } from '../records/date-of.ts'
import { spanOf } from '../records/span-of.ts'
import { waitTexts } from '../records/wait-text.ts'
import { causeChain, rootText } from './cause-chain.ts'
import { inSpan } from './step-waits.ts'
import { mostAhead } from './why-facts.ts'
import type { QueueFacts, WhyFacts } from './why-facts.ts'
import type { FoundReason } from './why.ts'

/** Why nobody runs an execution that has not ended: of several reasons the one that has to go first. */
export function unrunReason(facts: WhyFacts): FoundReason {
  const { record, now } = facts
  const { startAt, startedAt, deadline } = record
  const of = `execution "${record.id}"`
  const death = deathOf(facts)
  const overdue = deadline !== undefined && deadline <= now
  if (overdue && !facts.knowsGraph && graphWorkers(facts).length === 0)
    return withDeath(death, { ...workerReason(facts)!, code: 'execution.overdue', until: new Date(deadline) })
  if (overdue)
    return withDeath(death, {
      code: 'execution.overdue',
      until: new Date(deadline),
      text: `${of} is past its deadline of ${new Date(deadline).toISOString()}, ${spanOf(now - deadline)} ago, and is ended by the next process that looks`,
    })
  if (startAt !== undefined && startedAt === undefined && startAt > now)
    return {
      code: 'execution.startsLater',
      until: new Date(startAt),
      text: `${of} does not begin before ${new Date(startAt).toISOString()} (${inSpan(new Date(startAt), now)})`,
    }
  if (isAtRest(facts)) return restReason(facts)
  const found =
    pauseReason(facts) ?? workerReason(facts) ?? misfitReason(facts) ?? limitReason(facts) ?? nextReason(facts)
  const misfit = found.reasons === undefined ? misfitReason(facts) : undefined
  const also = misfit === undefined ? {} : { reasons: misfit.reasons, text: `${found.text}; and ${misfit.text}` }
  return withDeath(death, { ...found, ...also, queue: record.queue })
}

/** Whether it is parked, and nothing of it is due. */
function isAtRest({ record: { parkedAt, dueAt }, now }: WhyFacts): boolean {
  return parkedAt !== undefined && (dueAt === undefined || dueAt > now)
}

function restReason({ record, details, now }: WhyFacts): FoundReason {
  const since = dateOf(record.parkedAt)
  const length = since === undefined ? '' : ` for ${spanOf(Math.max(0, now - since.getTime()))}`
  const waits = waitTexts(details.steps)
  const what =
    waits.length === 0
      ? ''
      : `; it waits for ${waits.slice(0, 5).join(', ')}${waits.length > 5 ? `, and ${waits.length - 5} more` : ''}`
  const due =
    record.dueAt === undefined ? 'a message comes' : `a message comes, or at ${new Date(record.dueAt).toISOString()}`
  return {
    code: 'execution.waits',
    since,
    ...(record.dueAt !== undefined && { until: new Date(record.dueAt) }),
    text: `execution "${record.id}" has been parked${length}: nobody runs it until ${due}${what}`,
  }
}

function pauseReason({ record, queue }: WhyFacts): FoundReason | undefined {
  if (queue?.pausedAt === undefined) return undefined
  const { pausedAt, note } = queue
  return {
    code: 'execution.queuePaused',
    since: pausedAt,
    text: `execution "${record.id}" waits, since its queue "${record.queue}" has been paused since ${pausedAt.toISOString()}${note === undefined ? '' : ` (${note})`}`,
  }
}

/** Processes that take from its queue. */
function queueWorkers({ record, workers }: WhyFacts): WhyFacts['workers'] {
  return workers.filter(({ queues }) => (queues[record.queue] ?? 0) > 0)
}

/** Of these, those that know its graph. */
function graphWorkers(facts: WhyFacts): WhyFacts['workers'] {
  return queueWorkers(facts).filter(({ graphs }) => facts.graphNames.some((name) => graphs.includes(name)))
}

function workerReason(facts: WhyFacts): FoundReason | undefined {
  const { record, workers } = facts
  const { id, queue, graph } = record
  const serving = queueWorkers(facts)
  if (serving.length === 0) {
    return {
      code: 'execution.noWorker',
      text: `execution "${id}" waits for a worker: none serves its queue "${queue}" (${whoLives(workers)}); createDocket({ work: { ${JSON.stringify(queue)}: … } }) does, in your program or by docket worker`,
    }
  }
  if (graphWorkers(facts).length > 0) return undefined
  return {
    code: 'execution.graphUnknown',
    text: `execution "${id}" waits for a worker that knows graph "${graph}": ${serving.length === 1 ? 'the one that serves' : `none of the ${serving.length} that serve`} its queue "${queue}" ${serving.length === 1 ? 'does not' : 'does'}; one that has it in createDocket({ graphs }) goes on with it`,
  }
}

/** Which processes live that serve another queue, or none. A process that only looks does not count itself. */
function whoLives(workers: WhyFacts['workers']): string {
  const counted = workers.filter(({ isHere, queues }) => !isHere || Object.keys(queues).length > 0)
  const other = counted.length < workers.length ? 'other ' : ''
  if (counted.length === 0) return `no ${other}process has a docket on this store`
  return counted.length === 1
    ? `the one ${other}process that lives does not`
    : `none of the ${counted.length} ${other}processes that live does`
}

function misfitReason({ record, details, workers, knowsGraph }: WhyFacts): FoundReason | undefined {
  const reasons = details.incompatible
  // Where there is no version of its graph, what can't be read here says nothing of those who have one.
  if (reasons.length === 0 || !knowsGraph) return undefined
  const others = workers.some(({ isHere }) => !isHere)
    ? '; a worker with the version of the graph that it fits may'
    : '; `formerly` or `migrate` make it fit'
  return {
    code: 'execution.incompatible',
    reasons,
    text: `execution "${record.id}" does not fit the version of graph "${record.graph}" that is here, which can't go on with it: ${reasons.join('; ')}${others}`,
  }
}

function limitReason({ record, queue, details }: WhyFacts): FoundReason | undefined {
  const { id, queue: name } = record
  const limits = details.waitsFor?.limits
  if (queue === undefined || limits === undefined) return undefined
  const { ready, ahead } = queue
  const concurrency = limits.find(({ kind }) => kind === 'concurrency')
  if (concurrency !== undefined) {
    const { limit, heldBy, key } = concurrency
    const which = key === undefined ? '' : key === '' ? ' without a key' : ` with the key "${key}"`
    return {
      code: 'execution.queueLimit',
      ready,
      ahead,
      limit,
      heldBy,
      text: `execution "${id}" waits for its turn: queue "${name}" lets ${limit}${which} run at the same time, and as many do${heldText(heldBy)}${aheadText(queue)}`,
    }
  }
  const { limit, perMs } = limits[0]!
  return {
    code: 'execution.queueRate',
    ready,
    ahead,
    limit,
    text: `execution "${id}" waits for its turn: of queue "${name}" ${limit} may begin in ${spanOf(perMs!)}${aheadText(queue)}`,
  }
}

function nextReason({ record, queue, workers, details }: WhyFacts): FoundReason {
  const { id, queue: name, startedAt } = record
  const takers = workers.filter(({ queues }) => (queues[name] ?? 0) > 0)
  const slots = takers.reduce((sum, { queues }) => sum + queues[name]!, 0)
  const serve = `${takers.length} ${takers.length === 1 ? 'worker serves' : 'workers serve'} the queue, with ${slots} ${slots === 1 ? 'slot' : 'slots'}`
  const counts = queue === undefined ? {} : { ready: queue.ready, ahead: queue.ahead }
  if (queue !== undefined && (queue.ahead > 0 || queue.ready > slots))
    return {
      code: 'execution.behindOthers',
      ...counts,
      text: `execution "${id}" waits for its turn in queue "${name}"${aheadText(queue)}; ${serve}`,
    }
  const causes = details.error === undefined ? [] : causeChain(details.error)
  const again = causes.length === 0 ? '' : `, after ${rootText(causes)}`
  return {
    code: 'execution.ready',
    ...counts,
    text: `execution "${id}" ${startedAt === undefined ? 'has not begun' : 'goes on'}${again}: it is ready, and a worker takes it in a moment (${serve})`,
  }
}

function aheadText({ ahead, ready }: QueueFacts): string {
  const many = ahead >= mostAhead ? `${mostAhead} or more` : ahead
  return `; ${many} of its key ${ahead === 1 ? 'is' : 'are'} before it, and ${ready} of the queue ${ready === 1 ? 'is' : 'are'} ready`
}

function heldText(heldBy: readonly string[]): string {
  if (heldBy.length === 0) return ''
  const more = heldBy.length - 5
  return ` (${heldBy
    .slice(0, 5)
    .map((id) => `"${id}"`)
    .join(', ')}${more > 0 ? ` and ${more} more` : ''})`
}

interface Death {
  readonly owner: string
  readonly text: string
}

/** The process that had it, where that has died. */
function deathOf({ details: { lease }, now }: WhyFacts): Death | undefined {
  if (lease === undefined || lease.isAlive) return undefined
  const ago = lease.expiresAt === undefined ? 'long ago' : `${spanOf(Math.max(0, now - lease.expiresAt.getTime()))} ago`
  return { owner: lease.owner, text: `; process "${lease.owner}", which ran it, is gone: its lease ran out ${ago}` }
}

function withDeath(death: Death | undefined, reason: FoundReason): FoundReason {
  return death === undefined ? reason : { ...reason, deadOwners: [death.owner], text: `${reason.text}${death.text}` }
}
