import type { ExecutionCommit, StepRecord } from '../../src/core/contracts/execution-record.ts'
import type { Message, NewMessage, PostVerdict } from '../../src/core/contracts/message.ts'
import type { MachineInvocation } from '../../src/runtime/steps/machine-invocation.ts'
import type { MachineState } from '../../src/runtime/steps/machine-state.ts'
import { recordKey } from './batch-ledger.ts'
import { agreeMs } from './history.ts'
import type { History } from './history.ts'
import type { Life } from './life.ts'
import { isLetter, positionOf, positionsOf } from './machine-model.ts'
import type { Position } from './machine-model.ts'
import { itemOf, MachineMail } from './machine-mail.ts'
import type { MachineLetter } from './machine-mail.ts'
import type { Visit } from './machines.ts'
import type { SimulatedBatch } from './random-batch.ts'
import { shortName } from './simulated-step.ts'
import type { SimulatedGraph, SimulatedStep } from './simulated-step.ts'
import type { SimulatedProcess } from './simulated-process.ts'
import { plainOf } from './toy-codec.ts'

/** What is on record of one machine. */
interface Known {
  readonly log: readonly string[]
  /** Its delays, by their numbers. */
  readonly timers: ReadonlyMap<number, KeptTimer>
  /** How many delays it has ever armed. */
  readonly armed: number
  /** The number of what it has somebody do; undefined where it has nothing done. */
  readonly begun: number | undefined
  /** After what time it came to that, by the clock of its owner: of commits that are put together, only the last one's is on record. */
  readonly since: number
  /** How often its execution had begun again. */
  readonly reopened: number
  readonly hasFailed: boolean
}

type KeptTimer = MachineState['timers'][number]

/** What a call was made for. */
interface Work extends Visit {
  readonly place: string
}

/** What machines came to, judged by each commit that has some of it: what was taken is taken once and for ever, in its order, and nothing comes too early. */
export class MachineLedger {
  readonly mail: MachineMail
  readonly #history: History
  readonly #batches: ReadonlyMap<string, SimulatedBatch>
  readonly #machines: ReadonlyMap<string, SimulatedStep>
  /** By life, step and item. */
  readonly #known = new Map<string, Known>()
  /** The times of the last commits, by the numbers of the lives. */
  readonly #writtenAt = new Map<number, number>()
  /** By what they have made. */
  readonly #works = new Map<string, Work>()
  #calls = 0

  constructor(history: History, graphs: readonly SimulatedGraph[], batches: ReadonlyMap<string, SimulatedBatch>) {
    this.#history = history
    this.#batches = batches
    const machines = graphs.flatMap(({ steps }) => steps.filter(({ kind }) => kind === 'machine'))
    this.#machines = new Map(machines.map((step) => [step.name, step]))
    this.mail = new MachineMail(history, machines, batches)
  }

  has(step: string): boolean {
    return this.#machines.has(step)
  }

  posted(message: NewMessage, verdict: PostVerdict): boolean {
    return this.mail.posted(message, verdict)
  }

  read(message: Message): void {
    this.mail.read(message)
  }

  /** Something that a machine has somebody do begins; gives what it makes, which no other one does. */
  began(step: SimulatedStep, { state, visit }: Visit, of: MachineInvocation, process: SimulatedProcess): string {
    const made = `${shortName(step)}.${state}#${++this.#calls}`
    const { executionId, item, idempotencyKey: key } = of
    const life = this.#history.lives.get(executionId)
    this.#history.tell(() => `${process.name} ${executionId} ${step.name} has ${made} done: ${key}`)
    // Who has lost an execution and does not know it yet can record nothing.
    const isOwner = life?.owner?.startsWith(`${process.name}:`) === true && this.#history.isAlive(life.owner)
    if (!isOwner) return made
    const place = this.#placeOf(life, step.name, itemOf(this.#batches, executionId, item))
    this.#works.set(made, { state, visit, place })
    const known = this.#known.get(place)
    if (known?.reopened !== life.reopened || known.hasFailed) return made
    const at = positionOf(step.machine!.states, known.log)!
    if (at.visit > visit) this.#violate(life, step, `has ${made} done, and is beyond that already`)
    // What is on record to have begun is done again under the same key.
    if (at.visit === visit && !key.endsWith(`/${known.begun}`))
      this.#violate(life, step, `has ${made} done under ${key}, and begun as ${known.begun}`)
    return made
  }

  committed(life: Life, { at, steps, consumed = [] }: ExecutionCommit): void {
    // Commits that wait for a store which is away go out as one, with the time of the last: the first may be of anything since the beginning.
    const since = Math.min(at, this.#writtenAt.get(life.number) ?? life.createdAt)
    this.#writtenAt.set(life.number, at)
    for (const record of steps) {
      const machine = this.#machines.get(record.step)
      // What comes after the value is not written.
      const isWritten = life.steps.get(recordKey(record.step, record.item))?.record === record
      if (machine !== undefined && record.output !== undefined && isWritten)
        this.#kept(life, machine, record, { since, consumed })
    }
    for (const letter of this.mail.consumed(life, consumed)) this.#checkConsumed(life, letter)
  }

  /** Each letter leads to something, unless its machine was somewhere where it leads to nothing. */
  #checkConsumed(life: Life, letter: MachineLetter): void {
    const { step, item, kind, isTaken, isWrong } = letter
    if (isTaken || isWrong) return
    const machine = this.#machines.get(step)!
    const known = this.#known.get(this.#placeOf(life, step, item))
    const positions = positionsOf(machine.machine!.states, known?.log ?? [])
    const ignores = (at: Position | undefined): boolean =>
      at !== undefined && machine.machine!.states[at.state]?.moves[kind] === 'ignored'
    const hasEnded = life.steps.get(recordKey(step, item))?.record.endedAt !== undefined
    if (!hasEnded && !positions.some(ignores))
      this.#violate(life, machine, `has consumed ${letter.id}, and not taken it`)
  }

  #kept(
    life: Life,
    step: SimulatedStep,
    record: StepRecord,
    { since, consumed }: { readonly since: number; readonly consumed: readonly number[] },
  ): void {
    const made = plainOf(record.output)
    // As a value's own `$state` would be one of the program.
    const state = (made as { readonly $$state?: MachineState } | null)?.$$state
    // Fallbacks, and what a migration has left, are none of a machine.
    if (state === undefined && typeof made !== 'string') return
    const log = state === undefined ? logOf(made as string) : (state.snapshot as MachineSnapshot).context.log
    const place = this.#placeOf(life, record.step, record.item)
    const { states } = step.machine!
    const position = positionOf(states, log)
    if (position === undefined) {
      this.#violate(life, step, `came to ${log.join('; ')}, which nothing allows`)
      return
    }
    const value = state === undefined ? `s${states.length}` : (state.snapshot as MachineSnapshot).value
    if (value !== `s${position.state}`)
      this.#violate(life, step, `is in ${value} after ${log.join('; ')}, not in s${position.state}`)
    let known = this.#known.get(place)
    const timers = new Map(state?.timers.map((timer) => [timer.number, timer]))
    const armed = state?.armed ?? known?.armed ?? 0
    const begun = state?.begun.at(-1)?.[1]
    const hasFailed = record.status === 'failed'
    const now: Known = { log, timers, armed, begun, since, reopened: life.reopened, hasFailed }
    if (known === undefined || goesOn(known, now)) {
      // A fork has what its source had made.
      const isCopy = known === undefined && life.forkedFrom !== undefined && state === undefined
      if (!isCopy) this.#checkTaken(life, step, record, { known, log, consumed })
    } else {
      if (known.reopened === life.reopened)
        this.#violate(life, step, `went from ${known.log.join('; ')} back to ${log.join('; ')}`)
      // What was undone, and what was made of that, is begun anew in a retry.
      known = undefined
    }
    if (state !== undefined) this.#checkTimers(life, step, { known, timers, armed, position })
    this.#known.set(place, now)
  }

  /** What a machine has taken since the last commit was there, and its time had come. */
  #checkTaken(
    life: Life,
    step: SimulatedStep,
    { item }: StepRecord,
    { known, log, consumed }: { known: Known | undefined; log: readonly string[]; consumed: readonly number[] },
  ): void {
    const positions = positionsOf(step.machine!.states, log)
    const before = known?.log.length ?? 0
    const place = this.#placeOf(life, step.name, item)
    const fired = new Set<number>()
    for (const [index, entry] of log.slice(before).entries()) {
      const { state, visit } = positions[before + index]!
      const [what, which] = entry.split(/ (.*)/) as [string, string]
      if (isLetter(entry)) this.mail.taken(life, { step: step.name, item, kind: what, value: which }, consumed)
      else if (what === 'done') {
        const work = this.#works.get(which)
        if (work?.place !== place || work.state !== state || work.visit !== visit)
          this.#violate(life, step, `was given ${which} in s${state} after ${visit}, which was made for another one`)
      } else if (what !== 'failed') {
        const timer = [...(known?.timers.values() ?? [])].find(
          ({ number, event }) => !fired.has(number) && isOf(event.type, what, state),
        )
        if (timer === undefined) this.#violate(life, step, `took ${entry}, and nothing of it was on record`)
        else if (this.#history.now + agreeMs < timer.dueAt)
          this.#violate(life, step, `took ${entry} ${timer.dueAt - this.#history.now} ms too early`)
        if (timer !== undefined) fired.add(timer.number)
      }
    }
  }

  /** Each delay has one time for ever, and those that the state has are armed. */
  #checkTimers(
    life: Life,
    step: SimulatedStep,
    {
      known,
      timers,
      armed,
      position,
    }: Pick<Known, 'timers' | 'armed'> & { known: Known | undefined; position: Position },
  ): void {
    const { now } = this.#history
    const { afterMs, nudgeMs } = step.machine!.states[position.state] ?? {}
    const wanted = [
      ...(afterMs === undefined ? [] : ['after']),
      ...(nudgeMs === undefined || position.isNudged ? [] : ['nudge']),
    ]
    const kinds = [...timers.values()].map(({ event }) => (event.type === 'NUDGE' ? 'nudge' : 'after'))
    if (kinds.toSorted().join() !== wanted.join())
      this.#violate(life, step, `waits for ${kinds.join()} in s${position.state}, not for ${wanted.join()}`)
    if (armed < (known?.armed ?? 0)) this.#violate(life, step, `has armed ${armed} delays, and ${known!.armed} before`)
    for (const { number, event, dueAt } of timers.values()) {
      const before = known?.timers.get(number)
      if (before !== undefined && before.dueAt !== dueAt)
        this.#violate(life, step, `has ${event.type} at ${dueAt}, and at ${before.dueAt} before`)
      if (before !== undefined || known === undefined) continue
      if (number <= known.armed) this.#violate(life, step, `has a delay ${number}, which was gone`)
      const delayMs = (event.type === 'NUDGE' ? nudgeMs : afterMs)!
      if (dueAt < known.since + delayMs - agreeMs || dueAt > now + delayMs + agreeMs)
        this.#violate(life, step, `has ${event.type} of ${delayMs} ms at ${dueAt}, armed after ${known.since}`)
    }
  }

  #placeOf(life: Life, step: string, item: string): string {
    return `${life.number} ${recordKey(step, item)}`
  }

  #violate({ id }: Life, { name }: SimulatedStep, what: string): void {
    this.#history.violate(`${id}: the machine of ${name} ${what}`)
  }
}

interface MachineSnapshot {
  readonly value: string
  readonly context: { readonly log: readonly string[] }
}

/** Whether a machine may have come from one state of its record to another: where it was begun anew, its delays are others. */
function goesOn(known: Known, now: Known): boolean {
  const isOfSame = now.armed >= known.armed || known.reopened === now.reopened
  const isSame = ({ number, dueAt }: KeptTimer): boolean => (known.timers.get(number)?.dueAt ?? dueAt) === dueAt
  const hasSame = known.reopened === now.reopened || [...now.timers.values()].every(isSame)
  return isOfSame && hasSame && known.log.every((entry, at) => now.log[at] === entry)
}

/** What a machine that has ended had taken. */
function logOf(output: string): readonly string[] {
  const text = output.slice(output.indexOf('(') + 1, -1)
  return text === '' ? [] : text.split('; ')
}

/** Whether a delay's event is that of a state. */
function isOf(type: string, what: string, state: number): boolean {
  return what === 'nudge' ? type === 'NUDGE' : type.startsWith('xstate.after.') && type.endsWith(`.s${state}`)
}
