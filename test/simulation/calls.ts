import type { StepContext } from '../../src/core/step.ts'
import type { History, Life } from './history.ts'
import { hasCompleted } from './history.ts'
import type { SimulatedStep } from './random-graph.ts'
import type { Scheduler } from './scheduler.ts'
import type { SimulatedProcess } from './simulated-process.ts'

/** One call of a step's function: a side effect, kept outside of everything. */
export interface CallRecord {
  readonly number: number
  readonly execution: string
  readonly life: Life | undefined
  readonly step: SimulatedStep
  readonly attempt: number
  readonly key: string
  readonly process: string
  readonly beganAt: number
  endedAt: number | undefined
  value: string | undefined
}

/** All side effects of a run, judged as they happen by what the store holds at that time. */
export class Calls {
  readonly all: CallRecord[] = []
  readonly #history: History
  readonly #scheduler: Scheduler
  readonly #steps: ReadonlyMap<string, SimulatedStep>
  readonly #keys = new Map<string, string>()
  readonly #inputsOfKeys = new Map<string, string>()

  constructor(history: History, scheduler: Scheduler, steps: readonly SimulatedStep[]) {
    this.#history = history
    this.#scheduler = scheduler
    this.#steps = new Map(steps.map((step) => [step.name, step]))
  }

  began(
    step: SimulatedStep,
    inputs: Readonly<Record<string, unknown>>,
    { executionId, attempt, idempotencyKey }: StepContext,
    process: SimulatedProcess,
  ): CallRecord {
    const life = this.#history.lives.get(executionId)
    const call: CallRecord = {
      number: this.all.length + 1,
      execution: executionId,
      life,
      step,
      attempt,
      key: idempotencyKey,
      process: process.name,
      beganAt: this.#scheduler.now,
      endedAt: undefined,
      value: undefined,
    }
    this.all.push(call)
    this.#history.tell(
      () => `${process.name} ${executionId} ${step.name} attempt ${attempt} begins as call ${call.number}`,
    )
    this.#checkKey(call, inputs)
    // Who has lost an execution and does not know it yet may begin what it likes: it can write nothing.
    if (life?.owner?.startsWith(`${process.name}:`) !== true || !this.#history.isAlive(life.owner)) return call
    this.#checkInputs(call, life, inputs)
    this.#checkRepetition(call, life, process)
    return call
  }

  ended(call: CallRecord, value: string | undefined): void {
    call.endedAt = this.#scheduler.now
    call.value = value
    this.#history.tell(() => `${call.process} call ${call.number} of ${call.step.name} gives ${value ?? 'an error'}`)
  }

  #checkKey(call: CallRecord, inputs: Readonly<Record<string, unknown>>): void {
    const { step, key, execution } = call
    const owner = `${step.name} ${step.scope === 'global' ? JSON.stringify(inputs) : execution}`
    const known = this.#keys.get(owner)
    if (known !== undefined && known !== key) this.#history.violate(`two idempotency keys for ${owner}`)
    const other = this.#inputsOfKeys.get(key)
    if (other !== undefined && other !== owner) this.#history.violate(`one idempotency key for ${owner} and ${other}`)
    this.#keys.set(owner, key)
    this.#inputsOfKeys.set(key, owner)
  }

  /** What comes from a persisted step has been committed before anybody sees it. */
  #checkInputs(call: CallRecord, life: Life, inputs: Readonly<Record<string, unknown>>): void {
    for (const { name, from } of call.step.ports) {
      if ('leaf' in from || inputs[name] === undefined) continue
      const graph = call.step.name.slice(0, call.step.name.indexOf('.'))
      const source = this.#steps.get(`${graph}.S${from.step}`)!
      if (source.scope === undefined) continue
      const kept = life.steps.get(source.name)
      if (kept === undefined || !hasCompleted(kept.record) || kept.value !== inputs[name])
        this.#history.violate(
          `${call.execution}: call ${call.number} of ${call.step.name} saw ${String(inputs[name])} of ${source.name}, but the store has ${String(kept?.value)}`,
        )
    }
  }

  /** What is committed is not done again. */
  #checkRepetition(call: CallRecord, life: Life, process: SimulatedProcess): void {
    const { step, execution, number, key } = call
    // After a timeout the next attempt may begin before the last one brings its value.
    if (step.timeoutMs !== undefined) return
    const kept = life.steps.get(step.name)
    if (step.scope !== undefined && kept !== undefined && hasCompleted(kept.record))
      this.#history.violate(
        `${execution}: call ${number} of ${step.name}, which has made ${String(kept.value)} already`,
      )
    if (
      step.scope === 'execution' &&
      life.reopened === 0 &&
      kept?.record.status === 'retrying' &&
      process.now < kept.record.dueAt!
    )
      this.#history.violate(`${execution}: call ${number} of ${step.name} before it was due`)
    const result = step.scope === 'global' ? this.#history.resultAt(key) : undefined
    // A claim that the same process has lost to itself, to an attempt that was told to stop, is no harm.
    if (result !== undefined && !result.owner.startsWith(`${process.name}:`))
      this.#history.violate(`call ${number} of ${step.name}, whose result is ${String(result.value)}`)
  }
}
