import type { ExecutionCommit, NewExecution, StepRecord } from '../../src/core/contracts/execution-record.ts'
import { recordKey } from './batch-ledger.ts'
import type { History } from './history.ts'
import type { Life } from './life.ts'
import type { SimulatedGraph } from './simulated-step.ts'
import { textOf } from './toy-codec.ts'
import { firstNameOf, migratedValue } from './versions.ts'
import type { SimulatedVersion } from './versions.ts'

/** Which version of a program has written to which execution: what that one knows is known to it and to those that came after it, but for what they have no more. */
export class Versions {
  readonly #history: History
  readonly #graphs: readonly SimulatedGraph[]
  /** By the names of processes. */
  readonly #running = new Map<string, SimulatedVersion>()
  /** By the numbers of lives, the newest one each. */
  readonly #writers = new Map<number, SimulatedVersion>()
  /** All of them: an older one may go on where a newer one has. */
  readonly #allWriters = new Map<number, Set<SimulatedVersion>>()

  constructor(history: History, graphs: readonly SimulatedGraph[]) {
    this.#history = history
    this.#graphs = graphs
  }

  runs(process: string, version: SimulatedVersion): void {
    this.#running.set(process, version)
  }

  /** Whether one of these processes can go on with an execution. */
  fits(life: Life, dockets: readonly { readonly version: SimulatedVersion }[]): boolean {
    return dockets.some(({ version }) => !this.mayNotFit(life, version))
  }

  created(process: string, created: readonly NewExecution[], answers: readonly unknown[]): void {
    for (const [index, { id }] of created.entries())
      if (answers[index] === undefined) {
        this.#wrote(process, id)
        // What has begun under one name goes on under each.
        const other = [...this.#history.lives.keys()].find((one) => one !== id && firstNameOf(one) === firstNameOf(id))
        if (other !== undefined) this.#history.violate(`${id} was created beside ${other}`)
      }
  }

  committed(process: string, commits: readonly ExecutionCommit[], answers: readonly unknown[]): void {
    for (const [index, { id, steps, head }] of commits.entries())
      if (answers[index] === true && (steps.length > 0 || head?.graphHash !== undefined)) this.#wrote(process, id)
  }

  /** What a process runs. */
  of(process: string): SimulatedVersion {
    return this.#running.get(process)!
  }

  /** Whether processes of two owners know the same names. */
  areSame(one: string, other: string): boolean {
    const [first, second] = [one, other].map((owner) => this.#running.get(owner.slice(0, owner.indexOf(':'))))
    return first === second
  }

  /** Whether an execution is nothing that a version can go on with. */
  mayNotFit(life: Life, version: SimulatedVersion): boolean {
    if ((this.#writers.get(life.number)?.index ?? 0) > version.index) return true
    const { steps } = this.#graphs.find(({ name }) => life.target.startsWith(`${name}.`))!
    if (steps.some(({ name }) => !version.has(name) && hasRecord(life, name))) return true
    // What was given in the place of a value may have been all that something was needed for.
    if (Object.keys(life.overrides).length > 0 && steps.some(({ name }) => !version.has(name))) return true
    // What lost a race is undone, or waited for no more, and there for nothing that comes later.
    const signals = new Set(steps.flatMap(({ kind, name }) => (kind === 'signal' ? [name] : [])))
    const others = [...(this.#allWriters.get(life.number) ?? [])]
    if (others.some((other) => hasMoreThan(other, version, steps)) && hasGivenUp(life, signals)) return true
    // Nobody migrates batches.
    return (
      life.kind === 'batch' && steps.some((step) => version.shapeOf(step) !== undefined && hasRecord(life, step.name))
    )
  }

  #wrote(process: string, id: string): void {
    const life = this.#history.lives.get(id)
    const version = this.#running.get(process)
    if (life === undefined || version === undefined) return
    this.#allWriters.set(life.number, (this.#allWriters.get(life.number) ?? new Set()).add(version))
    const known = this.#writers.get(life.number)
    if (known === undefined || known.index < version.index) this.#writers.set(life.number, version)
  }
}

function hasRecord({ steps }: Life, name: string): boolean {
  for (const [key, { record }] of steps)
    if ((key === name || key.startsWith(`${name} of `)) && record.type !== '') return true
  return false
}

/** Whether a record is what a migration makes of another one. */
export function isMigrated(known: StepRecord, record: StepRecord): boolean {
  const { typeVersion } = record
  if (typeVersion === undefined || typeVersion === known.typeVersion) return false
  return textOf(record.output) === migratedValue(String(textOf(known.output)), typeVersion)
}

const named: ReadonlySet<string> = new Set(['step', 'type', 'graph', 'target', 'slot', 'openedSlots', 'closedSlots'])

/** What is sent to a store, or comes from it, with the names that everything had at first. */
export function underFirstNames(value: unknown, isName = false): unknown {
  if (typeof value === 'string') return isName ? firstNameOf(value) : value
  if (Array.isArray(value)) return value.map((one) => underFirstNames(one, isName))
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array || value instanceof Map) return value
  const made = Object.entries(value).map(([key, one]) => [
    key,
    key === 'steps' && Array.isArray(one)
      ? renamedOnce(one as readonly StepRecord[])
      : underFirstNames(one, named.has(key)),
  ])
  return Object.fromEntries(made)
}

/** A record that has left its place for the one that its step has now is the same one: what stands under the newest name counts. */
function renamedOnce(records: readonly StepRecord[]): readonly StepRecord[] {
  const newest = new Map<string, StepRecord>()
  for (const record of records) {
    const { execution = '', step, item } = record as StepRecord & { readonly execution?: string }
    const key = `${execution} ${recordKey(firstNameOf(step), item)}`
    if (step.length >= (newest.get(key)?.step.length ?? 0)) newest.set(key, record)
  }
  return [...newest.values()].map((record) => underFirstNames(record) as StepRecord)
}

/** Whether something of it was undone, or waits for a signal no more, though it has not ended. */
function hasGivenUp({ steps }: Life, signals: ReadonlySet<string>): boolean {
  for (const [key, { record }] of steps)
    if (key.startsWith('$undo ') ? record.type !== '' && record.status !== 'pending' : isClosed(record, signals))
      return true
  return false
}

function isClosed({ step, status }: StepRecord, signals: ReadonlySet<string>): boolean {
  return status === 'cancelled' && signals.has(step)
}

/** Whether a version has steps that one which wrote has not. */
function hasMoreThan(writer: SimulatedVersion, version: SimulatedVersion, steps: SimulatedGraph['steps']): boolean {
  return steps.some(({ name }) => version.has(name) && !writer.has(name))
}
