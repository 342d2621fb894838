import { writtenItems } from './batch-ledger.ts'
import { agreeMs } from './history.ts'
import type { Life } from './life.ts'
import { latestEndOf } from './lifetime.ts'
import { keyOfItem } from './random-batch.ts'
import type { SimulatedBatch } from './random-batch.ts'
import type { Simulation } from './run-seed.ts'

// Slow calls take so long, each way, and whoever was away looks around first.
const slackMs = 6_500

/** Who has a deadline has ended soon after it, by the clock of whoever ran it last. */
export function checkDeadlines({ history, dockets, leaseMs, calmSince, profile }: Simulation): void {
  const isDisturbed = profile.kills + profile.pauses + profile.outages + profile.rates.error > 0
  for (const { id, deadline, endedAt, endedBy, ownedSince, status, reopened } of history.lives.values()) {
    if (deadline === undefined || endedAt === undefined || reopened > 0) continue
    const { offsetMs } = history.hasStoreTime
      ? { offsetMs: 0 }
      : dockets.find(({ process }) => endedBy?.startsWith(`${process.name}:`) === true)!.process
    const undisturbedAt = isDisturbed ? calmSince + leaseMs : 0
    // Whoever does not know what it has looks again after a minute.
    const hiddenMs = history.hasHiddenAcquisition ? 61_000 : 0
    // To undo takes its time.
    const undoneMs = history.hasStoreTime ? 10_000 : 0
    const lateness = endedAt - Math.max(deadline - offsetMs, ownedSince, undisturbedAt) - slackMs - undoneMs - hiddenMs
    if (lateness > 0) history.violate(`${id} was ${status} ${lateness} ms too long after its deadline`)
  }
}

/** Whose graph has a timeout has had so long. */
export function checkTimeouts({ history, graphs }: Simulation): void {
  for (const { id, target, error, deadline, begunAt, endedAt } of history.lives.values()) {
    const { timeoutMs } = graphs.find(({ name }) => target.startsWith(`${name}.`))!
    if (error !== 'ExecutionTimeoutError' || deadline !== undefined || endedAt === undefined) continue
    if (timeoutMs === undefined || endedAt - begunAt < timeoutMs - agreeMs)
      history.violate(`${id} timed out after ${endedAt - begunAt} ms, and has ${String(timeoutMs)}`)
  }
}

/** Whose time is limited has an end on record, from which whoever looks knows when it is over. */
export function checkLifetimes({ history }: Simulation): void {
  for (const life of history.lives.values()) {
    const until = latestEndOf(life, history.lifetimes.get(life.id))
    if (until === undefined || life.detachedBy !== undefined) continue
    if (life.deadline === undefined || life.deadline > until + agreeMs)
      history.violate(`${life.id} is to end at ${until}, and has ${String(life.deadline)} on record`)
  }
}

/** A batch gives each item its own outcome, in order. */
export function checkBatches({ history, batches, calls, isCalm }: Simulation): void {
  for (const batch of batches.values()) {
    const life = history.lives.get(batch.id)
    if (life === undefined) continue
    if (batch.isTooBig) history.violate(`${batch.id} has left something behind, though its items could not be written`)
    if (isCalm && batch.onError === 'collect' && life.status === 'failed' && life.error !== 'ExecutionTimeoutError')
      history.violate(`${batch.id} failed with ${life.error}, though it collects`)
    if (life.status !== 'completed') continue
    const outputs = JSON.parse(life.output as string) as readonly string[]
    if (outputs.length !== batch.items.length)
      history.violate(`${batch.id} gave ${outputs.length} outputs for ${batch.items.length} items`)
    for (const [index, output] of outputs.entries()) {
      const key = keyOfItem(batch, index)
      if (output === '!' && batch.onError === 'fail') history.violate(`${batch.id} is completed, but ${key} failed`)
      const call = calls.all[Number(/^S\d+#(\d+)\(/.exec(output)?.[1]) - 1]
      if (call === undefined || call.step.scope === 'global') continue
      if (call.execution !== batch.id || (call.item !== '' && call.item !== key))
        history.violate(`${batch.id} gave ${key} what call ${call.number} made for ${call.execution} ${call.item}`)
    }
  }
}

/** A batch that nobody was told of, and that can't go on before it is started again: its process died while it wrote the items. */
export function isUnwritten(batches: ReadonlyMap<string, SimulatedBatch>, life: Life): boolean {
  const batch = batches.get(life.id)
  return batch !== undefined && !life.isPromised && writtenItems(life) < batch.items.length
}

/** Whether nobody needs to go on with an execution soon. */
export function isLeftAlone({ batches, scheduler, features, history, workers }: Simulation, life: Life): boolean {
  if (history.versions?.fits(life, workers) === false) return true
  // Who dies while he moves something leaves it to those who call again.
  if (
    history.moves !== undefined &&
    (history.moves.arriving.has(life.id) || history.moves.placeOf(life) === 'on the way')
  )
    return true
  // What is ready waits until there is a slot for it.
  if (features.hasQueues) return true
  // Nobody is hinted at what is due: it is found by a look, of which there is one every half second.
  const isAsleep = life.sleepsUntil !== undefined && scheduler.now < life.sleepsUntil + 1_000
  return isAsleep || scheduler.now < life.leftAloneUntil || isUnwritten(batches, life)
}
