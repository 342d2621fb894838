import { UpdateError } from '../../src/index.ts'
import { isTerminal, isTerminalStep } from '../../src/core/contracts/statuses.ts'
import type { StepStatus } from '../../src/core/contracts/statuses.ts'
import { ledgerOf, recordKey } from './batch-ledger.ts'
import { isDenied } from './denied-steps.ts'
import type { History } from './history.ts'
import { isWrongLetter } from './letters.ts'
import type { Life } from './life.ts'
import { isNeededStill } from './needed-steps.ts'
import { Notes } from './notes.ts'
import { keyOfItem } from './random-batch.ts'
import type { SimulatedBatch } from './random-batch.ts'
import type { SimulatedGraph, SimulatedStep } from './simulated-step.ts'

/** The type of the updates of a durable function. */
export const requestName = ({ name }: Pick<SimulatedStep, 'name'>): string => `${name}.request`

/** An update that somebody sends. */
export interface Request {
  readonly execution: string
  readonly name: string
  readonly id: string
  readonly value: string
  readonly item: number | undefined
  readonly timeoutMs: number | undefined
}

const refused = '-'

/** Whether an update is one that its function refuses. */
export function isRefusedRequest(value: unknown): boolean {
  return String(value).startsWith(refused)
}

/** What a handler comes to: some fail. */
export function answerOf(value: string, made: string): { readonly text: string; readonly fails: boolean } {
  return { text: `${value}>${made}`, fails: Number(value.replaceAll(/\D/g, '')) % 4 === 0 }
}

/** All updates, and what their senders were answered: each is handled once, and all who send it under its id are answered with what came of that. */
export class Requests {
  /** Which of them functions were given. */
  readonly notes: Notes
  readonly #history: History
  readonly #graphs: readonly SimulatedGraph[]
  readonly #batches: ReadonlyMap<string, SimulatedBatch>
  /** What handlers were about to answer, by life. */
  readonly #answers = new Set<string>()
  /** By life and id. */
  readonly #outcomes = new Map<string, string>()
  #written = 0

  constructor(history: History, graphs: readonly SimulatedGraph[], batches: ReadonlyMap<string, SimulatedBatch>) {
    this.#history = history
    this.#graphs = graphs
    this.#batches = batches
    const names = graphs.flatMap(({ steps }) => steps.map(requestName))
    this.notes = new Notes(history, names, batches, 'update')
  }

  /** A value that no other one is like. */
  write(kind: 'right' | 'wrong' | 'refused'): string {
    return `${kind === 'right' ? '' : kind === 'wrong' ? '?' : refused}u${++this.#written}`
  }

  /** A function that has the execution answers. */
  answers(execution: string, text: string): void {
    this.#answers.add(`${this.#history.lives.get(execution)?.number} ${text}`)
  }

  /** What came of an update to this life of an execution: a value, or the error of a rejection. */
  answered(life: Life, request: Request, outcome: { readonly value: unknown } | { readonly error: unknown }): void {
    // What was deleted meanwhile tells nothing of the one that has its id now.
    if (this.#history.lives.get(life.id) !== life) return
    const { value, name, id, item = '' } = request
    const violate = (what: string): void => this.#history.violate(`${life.id}: update ${id} (${value}) ${what}`)
    const text = 'value' in outcome ? `value ${String(outcome.value)}` : textOf(outcome.error)
    if (text === undefined) return
    const key = `${life.number} ${name} ${item} ${id}`
    const known = this.#outcomes.get(key)
    if (known !== undefined && known !== text) violate(`was answered with ${text}, and with ${known} before`)
    this.#outcomes.set(key, text)
    const isRefused = isWrongLetter(value) || isRefusedRequest(value)
    if (text === 'rejected') {
      if (!isRefused) violate('was rejected, and fits')
    } else if (text === 'ended') {
      if (!this.#mayHaveEnded(life, request)) violate('was answered that it had ended, and nothing has')
    } else {
      const given = text.slice(text.indexOf(' ') + 1)
      if (isRefused) violate(`was handled: ${text}`)
      if (!given.startsWith(`${value}>`)) violate(`was answered with ${text}`)
      if (!this.#answers.has(`${life.number} ${given}`)) violate(`was answered with ${text}, which nobody has said`)
    }
  }

  /** Whether the function that was to answer has ended, or nothing needs it any more, or it can't begin. */
  #mayHaveEnded(life: Life, { name, item }: Request): boolean {
    if (isTerminal(life.status) || life.status === 'compensating' || life.reopened > 0) return true
    const plan = this.#graphs.find((graph) => life.target.startsWith(`${graph.name}.`))!
    // One that is no batch has one item.
    const all = life.kind === 'execution' ? { isAll: false } : {}
    const steps = plan.steps.map((step) => ({ ...step, ports: step.ports.map((port) => ({ ...port, ...all })) }))
    const at = steps.findIndex((step) => requestName(step) === name)
    const batch = this.#batches.get(life.id)
    const key = item === undefined || batch === undefined ? '' : keyOfItem(batch, item)
    // What items share ends when none of them needs it.
    if (batch !== undefined && (key === '' || !ledgerOf(life).missing.includes(key))) return true
    const statusOf = (step: string): StepStatus | undefined => {
      const { status, attempt } = (life.steps.get(recordKey(step, key)) ?? life.steps.get(step))?.record ?? {}
      const { maxAttempts = 1, hasCondition, scope } = steps.find(({ name: one }) => one === step) ?? {}
      // That a condition does not hold is on record as little as what the step would make.
      if (hasCondition === true && scope === undefined && status === undefined) return 'skipped'
      // Whose last attempt died with its process has failed, whether that is on record or not.
      return status === 'running' && maxAttempts > 1 && attempt! >= maxAttempts && life.epoch > 1 ? 'failed' : status
    }
    if (isTerminalStep(statusOf(steps[at]!.name) ?? 'pending')) return true
    // What has timed out, and brings its value all the same, is on record with that: what needed it was skipped.
    if (steps.some(({ timeoutMs, kind }) => timeoutMs !== undefined && kind === undefined)) return true
    const isDeniedAt = (index: number): boolean => isDenied(steps, index, statusOf, life.overrides)
    if (isDeniedAt(at) || isDeniedAt(steps.length - 1)) return true
    return !isNeededStill(steps, at, statusOf, life.overrides)
  }
}

/** What a rejection says of an update; undefined where it says nothing. */
function textOf(error: unknown): string | undefined {
  if (!(error instanceof UpdateError)) return undefined
  if (error.code === 'UPDATE_REJECTED') return 'rejected'
  if (error.code === 'UPDATE_ENDED') return 'ended'
  if (error.code === 'UPDATE_TIMEOUT') return undefined
  return `error ${error.cause instanceof Error ? error.cause.message : String(error.cause)}`
}
