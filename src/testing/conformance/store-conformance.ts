import { acquireConformance } from './acquire.ts'
import { acquireChoiceConformance } from './acquire-choice.ts'
import { actsConformance } from './acts.ts'
import { checkpointsConformance } from './checkpoints.ts'
import { commitConformance } from './commit.ts'
import { commitFencingConformance } from './commit-fencing.ts'
import { completedStaysConformance } from './completed-stays.ts'
import { conformanceGroup } from './conformance-group.ts'
import type { ConformanceGroup } from './conformance-group.ts'
import type { StoreConformanceOptions, TestFramework } from './conformance-options.ts'
import { createConformance } from './create.ts'
import { deletionConformance } from './deletion.ts'
import { eventsConformance } from './events.ts'
import { filtersConformance } from './filters.ts'
import { hintsConformance } from './hints.ts'
import { lateCallsConformance } from './late-calls.ts'
import { lifecycleConformance } from './lifecycle.ts'
import { limitsConformance } from './limits.ts'
import { listConformance } from './list.ts'
import { mailConsumptionConformance } from './mail-consumption.ts'
import { mailListingConformance } from './mail-listing.ts'
import { mailVerdictsConformance } from './mail-verdicts.ts'
import { mailboxConformance } from './mailbox.ts'
import { namesConformance } from './names.ts'
import { outageConformance } from './outage.ts'
import { outboxConformance } from './outbox.ts'
import { ownersConformance } from './owners.ts'
import { parkingConformance } from './parking.ts'
import { queueLimitsConformance } from './queue-limits.ts'
import { queuesConformance } from './queues.ts'
import { overdueConformance } from './overdue.ts'
import { readStepsConformance } from './read-steps.ts'
import { resultClaimsConformance } from './result-claims.ts'
import { resultCommitsConformance } from './result-commits.ts'
import { schedulesConformance } from './schedules.ts'
import { sessionsConformance } from './sessions.ts'
import { sharedStatesConformance } from './shared-states.ts'
import { timeOfDayConformance } from './time-of-day.ts'
import { timesConformance } from './times.ts'
import { transactionConformance } from './transaction.ts'
import { valuesConformance } from './values.ts'
import { workersConformance } from './workers.ts'

const groups: Readonly<Record<string, (group: ConformanceGroup) => void>> = {
  'life of a client': lifecycleConformance,
  owners: ownersConformance,
  workers: workersConformance,
  'connections of owners': sessionsConformance,
  'a time of day that is set': timeOfDayConformance,
  create: createConformance,
  'create in a transaction': transactionConformance,
  commit: commitConformance,
  'what is completed stays': completedStaysConformance,
  'commits are fenced': commitFencingConformance,
  'calls that are carried out late': lateCallsConformance,
  acquire: acquireConformance,
  'what acquire chooses': acquireChoiceConformance,
  'get and list': listConformance,
  'filters and counts': filtersConformance,
  readSteps: readStepsConformance,
  checkpoints: checkpointsConformance,
  'delete and purge': deletionConformance,
  mailboxes: mailboxConformance,
  'what becomes of messages': mailVerdictsConformance,
  'messages are consumed one by one': mailConsumptionConformance,
  'what lies in a mailbox': mailListingConformance,
  'outgoing messages': outboxConformance,
  parking: parkingConformance,
  overdue: overdueConformance,
  queues: queuesConformance,
  'limits of queues': queueLimitsConformance,
  events: eventsConformance,
  schedules: schedulesConformance,
  acts: actsConformance,
  'shared states': sharedStatesConformance,
  'claims of results': resultClaimsConformance,
  'results of claims': resultCommitsConformance,
  values: valuesConformance,
  names: namesConformance,
  'limits of names': limitsConformance,
  'times and numbers': timesConformance,
  hints: hintsConformance,
  'a server that goes away': outageConformance,
}

/**
 * Declares the tests that every store passes, one group for each part of the contract.
 *
 * ```ts
 * import { storeConformance } from 'docket/testing'
 * import { describe, test } from 'vitest'
 *
 * storeConformance({ describe, test }, {
 *   name: 'mine',
 *   capabilities: { transactions: false, isShared: true },
 *   sendsHints: false,
 *   createSpace: () => {
 *     const prefix = crypto.randomUUID()
 *     return { createStore: () => myStore({ prefix }) }
 *   },
 * })
 * ```
 */
export function storeConformance(framework: TestFramework, options: StoreConformanceOptions): void {
  framework.describe(`${options.name} store`, () => {
    const group = conformanceGroup(framework, options)
    for (const [title, declare] of Object.entries(groups)) framework.describe(title, () => declare(group))
  })
}
