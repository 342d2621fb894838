import { isTerminal, isTerminalStep } from '../../src/core/contracts/statuses.ts'
import type { StepContext } from '../../src/core/language/step.ts'
import type { History } from './history.ts'
import type { Life } from './life.ts'
import { recordKey } from './batch-ledger.ts'
import { Deeds } from './deeds.ts'
import { Verbs } from './functions.ts'
import { agreeMs } from './history.ts'
import { hasCompleted } from './life.ts'
import { deadlineOf } from './lifetime.ts'
import { LimitLedger } from './limits.ts'
import { isShared, keyOfItem } from './random-batch.ts'
import type { SimulatedBatch } from './random-batch.ts'
import { shortName } from './simulated-step.ts'
import type { SimulatedGraph, SimulatedStep } from './simulated-step.ts'
import type { Scheduler } from './scheduler.ts'
import type { SimulatedProcess } from './simulated-process.ts'

/** One call of a step's function: a side effect, kept outside of everything. */
export interface CallRecord {
  readonly number: number
  readonly execution: string
  /** Key of the batch's item; empty outside batches and for what all items share. */
  readonly item: string
  readonly life: Life | undefined
  readonly step: SimulatedStep
  readonly attempt: number
  readonly key: string
  readonly process: string
  readonly beganAt: number
  endedAt: number | undefined
  value: string | undefined
  /** Whether its process had the execution when it began. */
  readonly wasOwners: boolean
  /** Whether it failed in a way that no further attempt can mend. */
  isHopeless: boolean
  /** How long it has said that another attempt can't help. */
  retryAfterMs: number | undefined
}

/** All side effects of a run, judged as they happen by what the store holds at that time. */
export class Calls {
  readonly all: CallRecord[] = []
  readonly deeds: Deeds
  readonly verbs: Verbs
  readonly limits: LimitLedger
  readonly #history: History
  readonly #scheduler: Scheduler
  readonly #steps: ReadonlyMap<string, SimulatedStep>
  readonly #keys = new Map<string, string>()
  readonly #inputsOfKeys = new Map<string, string>()
  readonly #batches: ReadonlyMap<string, SimulatedBatch>
  /** What calls under one idempotency key have been given of all items, as text. */
  readonly #givenOfAll = new Map<string, string>()
  readonly #seenFallbacks = new Map<string, unknown>()
  readonly #ownersOfFallbacks = new Map<string, string>()
  #fallbacks = 0

  constructor(
    history: History,
    scheduler: Scheduler,
    steps: readonly SimulatedStep[],
    batches: ReadonlyMap<string, SimulatedBatch>,
    graphs: readonly SimulatedGraph[],
  ) {
    this.deeds = new Deeds(history, this, graphs)
    this.verbs = new Verbs(history, batches)
    this.limits = new LimitLedger(history)
    this.#history = history
    this.#scheduler = scheduler
    this.#batches = batches
    this.#steps = new Map(steps.map((step) => [step.name, step]))
  }

  began(
    step: SimulatedStep,
    inputs: Readonly<Record<string, unknown>>,
    { executionId, item: index, attempt, idempotencyKey }: StepContext,
    process: SimulatedProcess,
  ): CallRecord {
    const life = this.#history.lives.get(executionId)
    const batch = this.#batches.get(executionId)
    const item = index === undefined ? '' : keyOfItem(batch!, index)
    const call: CallRecord = {
      number: this.all.length + 1,
      execution: executionId,
      item,
      life,
      step,
      attempt,
      key: idempotencyKey,
      process: process.name,
      beganAt: this.#scheduler.now,
      endedAt: undefined,
      value: undefined,
      wasOwners: life?.owner?.startsWith(`${process.name}:`) === true && this.#history.isAlive(life.owner),
      isHopeless: false,
      retryAfterMs: undefined,
    }
    this.all.push(call)
    this.#history.tell(
      () =>
        `${process.name} ${executionId} ${recordKey(step.name, item)} attempt ${attempt} begins as call ${call.number}`,
    )
    this.#checkKey(call, inputs)
    this.#history.moves?.begins(life, process, `${executionId}: call ${call.number}`)
    if (life?.detachedBy?.startsWith(`${process.name}:`) === true)
      this.#history.violate(`${executionId}: call ${call.number} began in ${process.name}, which had detached it`)
    // Who has lost an execution and does not know it yet may begin what it likes: it can write nothing.
    if (life?.owner?.startsWith(`${process.name}:`) !== true || !this.#history.isAlive(life.owner)) return call
    const now = this.#history.timeIn(process)
    const earliest = this.#history.hasStoreTime ? now - 2 * agreeMs : now
    const deadline = deadlineOf(life, this.#history.lifetimes.get(executionId), process.wokeAt)
    if (deadline !== undefined && earliest > deadline)
      this.#history.violate(`${executionId}: call ${call.number} began ${earliest - deadline} ms after the deadline`)
    if (life.overrides[step.name] !== undefined)
      this.#history.violate(`${executionId}: call ${call.number} of ${step.name}, whose value was given`)
    this.#checkInputs(call, life, inputs)
    this.#checkRepetition(call, life, process)
    return call
  }

  /** A fallback was asked for; gives its value, which is another one each time. */
  fellBack(step: SimulatedStep, error: unknown, process: SimulatedProcess): string {
    const value = `${shortName(step)}!${++this.#fallbacks}`
    const text = String(error)
    this.#history.tell(() => `${process.name} ${step.name} falls back to ${value} after ${text}`)
    const number = /(?:^|: )\S+ call (\d+)\b/.exec(text)?.[1]
    if (number === undefined) return value
    const call = this.all[Number(number) - 1]!
    // What nobody can repeat, and what was repeated often enough, has failed for good.
    const isFinal = call.attempt >= step.maxAttempts || call.isHopeless
    if (call.step.name !== step.name || call.value !== undefined || !isFinal)
      this.#history.violate(`${value} took the place of call ${number}: attempt ${call.attempt} of ${call.step.name}`)
    return value
  }

  ended(call: CallRecord, value: string | undefined, isHopeless = false): void {
    call.endedAt = this.#scheduler.now
    call.value = value
    call.isHopeless = isHopeless
    this.#history.tell(() => `${call.process} call ${call.number} of ${call.step.name} gives ${value ?? 'an error'}`)
  }

  #checkKey(call: CallRecord, inputs: Readonly<Record<string, unknown>>): void {
    const { step, key, execution, item } = call
    const owner = `${step.name} ${step.scope === 'global' ? JSON.stringify(inputs) : recordKey(execution, item)}`
    const known = this.#keys.get(owner)
    // What was undone, or made of that, is done anew under another one; what was deleted, and begins again, is another execution.
    const before = this.all.findLast((one) => one !== call && one.key === known)
    const undone = [recordKey(`$undone ${step.name}`, ''), recordKey(`$undone ${step.name}`, item)]
    const isNoted = (life: Life | undefined): boolean => undone.some((record) => life?.steps.has(record) === true)
    const isUndone = this.deeds.hasUndone(call.life, step.name) || isNoted(call.life)
    const isAnother = before?.life !== call.life && (step.compensates === true || isNoted(before?.life))
    const mayDiffer = isUndone || isAnother
    if (known !== undefined && known !== key && !mayDiffer) this.#history.violate(`two idempotency keys for ${owner}`)
    const other = this.#inputsOfKeys.get(key)
    if (other !== undefined && other !== owner) this.#history.violate(`one idempotency key for ${owner} and ${other}`)
    this.#keys.set(owner, key)
    this.#inputsOfKeys.set(key, owner)
  }

  /** What comes from a persisted step has been committed before anybody sees it. */
  #checkInputs(call: CallRecord, life: Life, inputs: Readonly<Record<string, unknown>>): void {
    // One in a queue of its own is a child, whose inputs are its parent's.
    const owner = call.step.queue === undefined ? life : this.#history.lives.get(life.parent!)
    // Somebody may have it tried again by itself when its parent has ended, or its beginning was on its way when its parent began to undo.
    // The same holds where its step lost a race: that it is cancelled is a message on its way, while what it was made of is undone.
    const hasLost = isTerminalStep(owner?.steps.get(call.step.name)?.record.status ?? 'pending')
    const isOver = owner?.status === 'compensating' || isTerminal(owner?.status ?? 'running') || hasLost
    const isLeft = isOver || life.reopened > 0
    if (owner === undefined || (owner !== life && (owner.kind === 'batch' || isLeft))) return
    const batch = this.#batches.get(call.execution)
    const graph = call.step.name.slice(0, call.step.name.indexOf('.'))
    for (const { name, from, isAll } of call.step.ports) {
      if ('leaf' in from || inputs[name] === undefined) continue
      const source = this.#steps.get(`${graph}.S${from.step}`)!
      const given = owner.overrides[source.name]
      if (given !== undefined) {
        if ([inputs[name]].flat().some((value) => value !== given))
          this.#history.violate(`${call.execution}: call ${call.number} saw ${String(inputs[name])}, and not ${given}`)
        continue
      }
      const isCommon = batch === undefined || isShared(batch, from.step)
      if (isAll !== true) this.#checkInput(call, owner, source, isCommon ? '' : call.item, inputs[name])
      else {
        const values = inputs[name] as readonly unknown[]
        const place = `${life.number} ${call.key} ${name}`
        const text = JSON.stringify(values)
        // A further attempt is given what the one before was, though an item may have failed since, and be undone: under one key it must not be something else.
        if (this.#givenOfAll.get(place) !== text)
          this.#checkAll(call, life, source, values, isCommon ? undefined : batch)
        this.#givenOfAll.set(place, text)
      }
    }
  }

  #checkInput(call: CallRecord, life: Life, source: SimulatedStep, item: string, value: unknown): void {
    if (String(value).startsWith(`${shortName(source)}!`)) this.#checkFallback(call, life, source, item, String(value))
    else if (source.scope !== undefined) {
      const kept = life.steps.get(recordKey(source.name, item))
      if (kept === undefined || !hasCompleted(kept.record) || kept.value !== value)
        this.#history.violate(
          `${call.execution}: call ${call.number} of ${call.step.name} saw ${String(value)} of ${source.name}, but the store has ${String(kept?.value)}`,
        )
    }
  }

  /** The values of all items in their order: of those that failed, if others may go on without them, there is none. */
  #checkAll(
    call: CallRecord,
    life: Life,
    source: SimulatedStep,
    values: readonly unknown[],
    batch: SimulatedBatch | undefined,
  ): void {
    const { items = [''], onError = 'fail' } = this.#batches.get(call.execution) ?? {}
    if (values.length > items.length || (onError === 'fail' && values.length < items.length))
      this.#history.violate(
        `${call.execution}: call ${call.number} saw ${values.length} values of ${items.length} items`,
      )
    let next = 0
    for (const value of values) {
      const isFallback = String(value).startsWith(`${shortName(source)}!`)
      if (isFallback && source.fallback === undefined)
        this.#history.violate(`${source.name} has no fallback, but gave ${String(value)}`)
      if (isFallback || batch === undefined || source.scope === undefined) {
        if (!isFallback) this.#checkInput(call, life, source, '', value)
        next++
        continue
      }
      // Whose value it can be: the first item's, from the last one's on, that has it.
      const isOf = (_: unknown, index: number): boolean =>
        index >= next && life.steps.get(recordKey(source.name, keyOfItem(batch, index)))?.value === value
      const index = onError === 'collect' ? items.findIndex(isOf) : next
      if (index < 0 || index >= items.length) {
        this.#history.violate(
          `${call.execution}: call ${call.number} saw ${String(value)} of ${source.name}, which no item has`,
        )
        return
      }
      this.#checkInput(call, life, source, keyOfItem(batch, index), value)
      next = index + 1
    }
  }

  /** All who need it see the same fallback, and nobody sees one of somebody else. */
  #checkFallback(call: CallRecord, life: Life, source: SimulatedStep, item: string, value: string): void {
    const owner = `${life.id} ${life.number} ${life.epoch} ${recordKey(source.name, item)}`
    const seen = this.#seenFallbacks.get(owner)
    this.#seenFallbacks.set(owner, value)
    if (source.fallback === undefined) this.#history.violate(`${source.name} has no fallback, but gave ${value}`)
    if (seen !== undefined && seen !== value)
      this.#history.violate(`${owner}: call ${call.number} saw ${value}, another one ${String(seen)}`)
    const known = this.#ownersOfFallbacks.get(value)
    if (!value.endsWith('!') && known !== undefined && known !== owner)
      this.#history.violate(`${owner}: call ${call.number} saw ${value}, which is of ${known}`)
    this.#ownersOfFallbacks.set(value, owner)
    const kept = life.steps.get(recordKey(source.name, item))
    if (source.scope !== undefined && source.timeoutMs === undefined && kept !== undefined && hasCompleted(kept.record))
      this.#history.violate(`${owner}: call ${call.number} saw ${value}, but the store has ${String(kept.value)}`)
  }

  /** The call of the same step before, if its process lives that was to keep what it said. */
  #before(call: CallRecord): CallRecord | undefined {
    return this.all.findLast((one) => one !== call && one.life === call.life && one.key === call.key && one.wasOwners)
  }

  /** What is committed is not done again. */
  #checkRepetition(call: CallRecord, life: Life, process: SimulatedProcess): void {
    const { step, execution, number, key } = call
    // After a timeout the next attempt may begin before the last one brings its value.
    if (step.timeoutMs !== undefined) return
    const kept = life.steps.get(recordKey(step.name, call.item))
    if (
      step.scope !== undefined &&
      step.fallback !== undefined &&
      kept?.record.status === 'failed' &&
      life.reopened === 0
    )
      this.#history.violate(`${execution}: call ${number} of ${step.name}, whose fallback had its place already`)
    // What was parked is kept, whether it is persisted or not.
    const isKept = step.scope !== undefined || this.#history.letters !== undefined
    if (isKept && kept !== undefined && hasCompleted(kept.record) && kept.isStale !== true)
      this.#history.violate(
        `${execution}: call ${number} of ${step.name}, which has made ${String(kept.value)} already`,
      )
    const isRetrying = step.scope === 'execution' && life.reopened === 0 && kept?.record.status === 'retrying'
    const before = isRetrying ? this.#before(call) : undefined
    if (before?.retryAfterMs !== undefined && kept!.at >= before.endedAt!) {
      const earliest = before.endedAt! + before.retryAfterMs - 2 * agreeMs
      if (kept!.record.dueAt! < earliest)
        this.#history.violate(`${execution}: ${step.name} is due ${earliest - kept!.record.dueAt!} ms early`)
    }
    if (isRetrying && this.#history.timeIn(process) < kept.record.dueAt!)
      this.#history.violate(`${execution}: call ${number} of ${step.name} before it was due`)
    const result = step.scope === 'global' ? this.#history.resultAt(key) : undefined
    // A claim that the same process has lost to itself, to an attempt that was told to stop, is no harm.
    // An older version does not know what a newer one makes.
    const isOfOther = result !== undefined && this.#history.versions?.areSame(result.owner, life.owner!) === false
    if (result !== undefined && !result.owner.startsWith(`${process.name}:`) && !isOfOther)
      this.#history.violate(`call ${number} of ${step.name}, whose result is ${String(result.value)}`)
  }
}
