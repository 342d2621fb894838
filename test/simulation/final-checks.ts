import { isTerminal, isTerminalStep } from '../../src/core/contracts/statuses.ts'
import { recordKey } from './batch-ledger.ts'
import { checkBatches, checkDeadlines, checkLifetimes, checkTimeouts } from './feature-checks.ts'
import { profiles } from './faults.ts'
import { lookAnywayMs } from './life.ts'
import type { Simulation } from './run-seed.ts'
import { underFirstNames } from './version-ledger.ts'

// Renewal, its guard, and the look-outs for work and for schedules.
const upkeepTimers = 4

// As long as what each minute brings takes at the most.
const upkeepMs = 1_000

// Whoever has lost an answer looks again after this time.
const secondLookMs = 32_000

/** What is still under way. */
export function describeOpen({ history, dockets, calls }: Simulation): string {
  const lives = [...history.lives.values()]
    .filter(({ status }) => !isTerminal(status))
    .map(({ id, status, owner }) => `${id} is ${status}, owned by ${owner ?? 'nobody'}`)
  const operations = dockets.flatMap(({ process, operations: all }) =>
    process.state === 'up'
      ? all.filter(({ settledAt }) => settledAt === undefined).map(({ name }) => `${name} pends`)
      : [],
  )
  const open = calls.all.filter(({ endedAt, process }) => endedAt === undefined && isUp(dockets, process))
  return [...lives, ...operations, ...open.map(({ number }) => `call ${number} runs`)].join('; ')
}

/** What must hold when all work is done. */
export async function checkTheEnd(simulation: Simulation): Promise<void> {
  const { scheduler, history, dockets } = simulation
  const { late, slow } = simulation.profile.rates
  const mayLookAgain = late + slow > 0 && !simulation.isWatchedLong
  for (const server of simulation.servers) server.isNear = true
  await scheduler.until(scheduler.now + 2 * simulation.leaseMs + (simulation.isWatchedLong ? secondLookMs : 1_500))
  await checkRecords(simulation)
  await checkSteps(simulation)
  simulation.calls.deeds.checkTheEnd()
  history.letters?.checkTheEnd()
  history.machines?.mail.checkTheEnd()
  history.broadcasts?.checkTheEnd(late > 0)
  history.firings?.checkTheEnd()
  history.timetable?.checkTheEnd()
  history.keys?.checkTheEnd()
  if (!mayLookAgain) await simulation.calls.limits.checkTheEnd(simulation.server.inner)
  // To undo takes its time.
  if (!simulation.features.hasControlFlow) checkCancellations(simulation)
  checkDeadlines(simulation)
  checkLifetimes(simulation)
  checkTimeouts(simulation)
  checkBatches(simulation)
  if (simulation.isCalm) checkOnce(simulation)
  const hasMany = ({ process, isClosed }: Simulation['dockets'][number]): boolean =>
    process.state === 'up' && process.timers > (isClosed ? 0 : upkeepTimers + 2) && !mayLookAgain
  // The upkeep of each minute may be under way, with a timer for each of its calls.
  if (dockets.some(hasMany)) await scheduler.until(scheduler.now + upkeepMs)
  for (const { process } of dockets.filter(hasMany))
    history.violate(`${process.name} has ${process.timers} timers, and nothing to do`)
  for (const [key, { owner, at }] of history.claims) {
    // Who deletes what ended long ago has that work for its life.
    if (key.startsWith('docket retain')) continue
    // One that was granted late, which its owner does not know of, is given back at the second look.
    const isLookedAfter = mayLookAgain && scheduler.now < at + secondLookMs
    if (history.isAlive(owner) && !isLookedAfter) history.violate(`${owner} still has a claim on ${key}`)
  }
  const closing = dockets.filter((docket) => docket.isUsable)
  for (const docket of closing) docket.close(1_000)
  if (!(await scheduler.until(scheduler.now + 10_000, () => closing.every(({ isClosed }) => isClosed))))
    history.violate('close() pends')
  await scheduler.until(scheduler.now + 3_000)
  for (const { process, isClosed } of dockets)
    if (process.state === 'up' && isClosed && process.timers > 0 && !mayLookAgain)
      history.violate(`${process.name} is closed, and has ${process.timers} timers`)
}

/** What the store holds is what it was told. */
async function checkRecords({ servers, history }: Simulation): Promise<void> {
  const records = []
  for (const { place, inner } of servers)
    for (const record of await inner.list({ limit: 10_000 }))
      if (history.moves?.isOf(place, record.id) !== false) records.push(record)
  if (records.length !== history.lives.size) history.violate(`the store has ${records.length} executions`)
  for (const { id, kind, status, output, endedAt, error } of records) {
    const life = history.lives.get(id)
    if (life?.status !== status) history.violate(`${id} is ${status} in the store, and ${life?.status} by its writes`)
    if (!isTerminal(status)) history.violate(`${id} is ${status} though nothing is under way`)
    else if (endedAt === undefined) history.violate(`${id} is ${status} and has no end`)
    // What a batch gives is with its items.
    if (status === 'completed' && ((output === undefined) !== (kind === 'batch') || error !== undefined))
      history.violate(`${id} is completed, with output ${String(output)} and error ${String(error)}`)
    if (status !== 'completed' && (output !== undefined || error === undefined))
      history.violate(`${id} is ${status}, with output ${String(output)} and error ${String(error)}`)
  }
}

/** The steps' records are what was written last, what was completed stayed, and nothing is left under way. */
async function checkSteps({ servers, history }: Simulation): Promise<void> {
  const steps = []
  for (const { place, inner } of servers) {
    const ids = [...history.lives.keys()].filter((id) => history.moves?.isOf(place, id) !== false)
    steps.push(...(await inner.readSteps(ids)).steps)
  }
  const wrong = new Map<string, string>()
  const right = new Set<string>()
  for (const row of steps) {
    const { execution, step, item, type, status, output } = underFirstNames(row) as typeof row
    const life = history.lives.get(execution)
    const known = life?.steps.get(recordKey(step, item))?.record
    const place = `${execution} ${recordKey(step, item)}`
    const what = `${execution}: the store has "${status}" ${String(output)} of ${step}`
    // Versions of a program that know different names of it leave one each.
    if (known?.status === status && String(known.output) === String(output)) right.add(place)
    else wrong.set(place, `${what}, not "${known?.status}" ${String(known?.output)}`)
    const hasEnded = life !== undefined && isTerminal(life.status) && !step.startsWith('$') && type !== ''
    if (hasEnded && !isTerminalStep(status) && status !== 'pending') history.violate(`${what} after its end`)
  }
  for (const [place, message] of wrong) if (!right.has(place)) history.violate(message)
}

// Slow calls take so long, each way.
const slowMs = 5_000

/** Who is asked to end does so soon, whatever happens to its owner. */
function checkCancellations({ history, leaseMs, calmSince, profile }: Simulation): void {
  const isDisturbed = profile !== profiles.users
  for (const { id, status, cancelledAt, endedAt } of history.lives.values()) {
    if (cancelledAt === undefined || status === 'cancelled') continue
    // From then on nothing hinders the owner to hear of it, or to be replaced.
    const hiddenMs = history.hasHiddenAcquisition ? lookAnywayMs : 0
    const heardBy = (isDisturbed ? Math.max(cancelledAt, calmSince) + leaseMs : cancelledAt) + 1_500 + slowMs + hiddenMs
    if (endedAt! > heardBy)
      history.violate(`${id} was to be cancelled, and was ${status} ${endedAt! - cancelledAt} ms later`)
  }
}

/** Where nothing goes wrong, each persisted step does its work exactly once. */
function checkOnce({ calls, history, dockets, features }: Simulation): void {
  const counts = new Map<string, number>()
  // A claimant whose execution fails is replaced, even while its function still runs.
  const haveFailed = [...history.lives.values()].some(({ status, reopened }) => status !== 'completed' || reopened > 0)
  // As is one that has lost a race.
  const mayBeGivenUp = haveFailed || features.hasWaits
  for (const { step, execution, item, value, key } of calls.all) {
    // What was undone may be done anew.
    if (step.scope === undefined || value === undefined || step.compensates === true) continue
    if (step.ttlMs !== undefined || (step.scope === 'global' && mayBeGivenUp)) continue
    // What was made of what was undone is done anew as well, under another key.
    const place = step.scope === 'global' ? step.name : `${recordKey(step.name, item)} of ${execution}`
    const owner = `${place} under ${key}`
    counts.set(owner, (counts.get(owner) ?? 0) + 1)
  }
  for (const [owner, count] of counts) if (count !== 1) history.violate(`${owner} was done ${count} times`)
  for (const { operations } of dockets)
    for (const { name, error } of operations)
      if (error instanceof Error && (error.name === 'StoreError' || error.name === 'LeaseLostError'))
        history.violate(`${name} was rejected with ${String(error)} though nothing went wrong`)
}

function isUp(dockets: Simulation['dockets'], name: string): boolean {
  return dockets.find(({ process }) => process.name === name)?.process.state === 'up'
}
