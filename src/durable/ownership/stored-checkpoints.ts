import { append } from '../../core/append.ts'
import { publishedPlace } from '../records/published-value.ts'
import { checkpointIdentity } from '../../core/contracts/checkpoint-record.ts'
import type { CheckpointRecord, CheckpointRequest } from '../../core/contracts/checkpoint-record.ts'
import type { StoredValue } from '../../core/contracts/stored-value.ts'
import type { Plan } from '../../core/graph/plan.ts'
import { touchesSensitiveTypes } from '../../core/graph/sensitivity.ts'
import { withoutSensitiveParts } from '../../core/values/plain-data.ts'
import { SerializationError } from '../../core/errors.ts'
import { isPromiseLike } from '../../runtime/inputs/check-value.ts'
import { atMost } from '../../runtime/environment/clock.ts'
import { turnOf } from '../../runtime/environment/turn.ts'
import type { Begun, Checkpoint, CheckpointChange, Checkpoints, Recorded } from '../../runtime/steps/checkpoints.ts'
import { keyNameOfStep } from '../../runtime/steps/key-names.ts'
import type { KeyedSteps, KeyNames } from '../../runtime/steps/key-names.ts'
import type { StoreConnection } from '../../runtime/store-access/store-connection.ts'
import type { ExecutionCommits } from './execution-commits.ts'
import { encodedAnswer } from './encoded-answer.ts'
import { mayBegin } from './may-begin.ts'
import { ShownValues } from './shown-values.ts'
import { isPromise } from '../../core/own-promise.ts'

const readAtOnce = 1_000

/** What checkpoints are of. */
interface CheckpointedExecution extends KeyedSteps {
  readonly id: string
  readonly plan: Plan
  readonly isNew: boolean
}

/** What the verbs of durable functions came to, of one execution or batch that lives here. */
export class StoredCheckpoints {
  readonly #connection: StoreConnection
  readonly #commits: ExecutionCommits
  readonly #id: string
  /** Whether nothing of it can have been recorded before it lives here. */
  readonly #isNew: boolean
  /** Steps and items of which something was recorded since. */
  readonly #written = new Set<string>()
  /** What is recorded of one step arrives in its order, though a codec takes its time. */
  readonly #encoding = new Map<string, Promise<unknown>>()
  readonly #shown: ShownValues
  readonly #plan: Plan
  readonly #keyNames: KeyNames | undefined

  constructor(connection: StoreConnection, commits: ExecutionCommits, of: CheckpointedExecution) {
    this.#connection = connection
    this.#commits = commits
    this.#id = of.id
    this.#isNew = of.isNew
    this.#plan = of.plan
    this.#keyNames = of.keyNames
    this.#shown = new ShownValues(connection, of)
  }

  /** Whether a codec is still at work on something that is to be recorded. */
  get isBusy(): boolean {
    return this.#encoding.size > 0
  }

  /** Resolves once what a codec was at work on is on record, so that it can be handed over: within a lease at the most. */
  async recorded(): Promise<void> {
    if (!this.isBusy) return
    const { clock, session } = this.#connection
    await atMost(clock, session.leaseMs, Promise.all(this.#encoding.values()))
  }

  /** Those of an item, or of an execution. */
  of(item = ''): Checkpoints {
    return {
      read: ({ step }) =>
        this.#isNew && !this.#written.has(placeOf(step, item))
          ? undefined
          : this.#read({ step: this.#keyNameOf(step), item }),
      write: ({ step }, change) => this.#write(step, item, change),
      shown: (type) => this.#shown.of(item, type),
      areHeld: () => this.#areHeld,
      mayBegin: () => mayBegin(this.#connection, this.#commits),
    }
  }

  get #areHeld(): boolean {
    const { session } = this.#connection
    // While a codec is at work, it is not known whether they can be written at all.
    return (
      !this.isBusy && !this.#commits.isOff && session.owner === this.#commits.right.owner && session.holds() === true
    )
  }

  async #read(of: { readonly step: string; readonly item: string }): Promise<Recorded | undefined> {
    const { store } = this.#connection
    await this.#shown.find(of.item)
    const records: CheckpointRecord[] = []
    let after: CheckpointRequest['after']
    for (;;) {
      const request = { execution: this.#id, of, after, limit: readAtOnce }
      const page = await this.#connection.patiently(() => store.readCheckpoints!(request), Infinity)
      append(records, page)
      if (page.length < readAtOnce) break
      after = page.at(-1)!
    }
    const last = records.at(-1)
    if (last === undefined) return undefined
    const { generation } = last
    const turn = turnOf(this.#connection.clock)
    const checkpoints: Checkpoint[] = []
    for (const record of records) {
      if (record.generation !== generation) continue
      if (turn.mustYield()) await turn.next()
      const read = this.#decoded(record)
      checkpoints.push(isPromise(read) ? await read : read)
    }
    return { generation, checkpoints }
  }

  #decoded(record: CheckpointRecord): Checkpoint | Promise<Checkpoint> {
    const { encoding } = this.#connection
    const { name, kind, status, order, at, dueAt } = record
    const value = record.value && encoding.decode(record.value, checkpointIdentity(this.#id, record))
    const error = record.error && encoding.decodeError(record.error, checkpointIdentity(this.#id, record, 'error'))
    const checkpoint = { name, kind, status, order, at, dueAt, value, error }
    if (!isPromiseLike(value) && !isPromiseLike(error)) return checkpoint
    return Promise.all([value, error]).then(([value, error]) => ({ ...checkpoint, value, error }))
  }

  /** They stand under the name that the step had first: under that they are found, whatever it is called by now, by older versions of the program too. */
  #keyNameOf(step: string): string {
    return keyNameOfStep({ plan: this.#plan, keyNames: this.#keyNames }, step)
  }

  #write(step: string, item: string, change: CheckpointChange): Promise<void> {
    const place = placeOf(step, item)
    this.#written.add(place)
    const before = this.#encoding.get(place)
    if (before === undefined) {
      const records = this.#encoded(step, item, change)
      if (!isPromise(records)) return this.#commit(step, item, change, records)
      return this.#later(
        place,
        records.then((late) => this.#commit(step, item, change, late)),
      )
    }
    const next = before.then(() => this.#encoded(step, item, change))
    return this.#later(
      place,
      next.then((late) => this.#commit(step, item, change, late)),
    )
  }

  #later(place: string, written: Promise<void>): Promise<void> {
    const tail = written.then(
      () => {},
      () => {},
    )
    this.#encoding.set(place, tail)
    void tail.then(() => {
      if (this.#encoding.get(place) === tail) this.#encoding.delete(place)
    })
    return written
  }

  #commit(
    step: string,
    item: string,
    { generation, dropped, consumed, answer, published }: CheckpointChange,
    records: readonly CheckpointRecord[],
  ): Promise<void> {
    // What it answers may have been answered by an end meanwhile: one answer counts.
    const isLate = answer !== undefined && !this.#commits.mayAnswer(answer.update)
    const name = this.#keyNameOf(step)
    const checkpoints = isLate ? records.filter((record) => record.step === name) : records
    const only = dropped === undefined || dropped === 'all' ? undefined : { generation, names: dropped }
    const droppedCheckpoints = dropped === undefined ? undefined : [{ step: name, item, only }]
    const read = answer === undefined || isLate ? consumed : [...(consumed ?? []), answer.update.message]
    const written = this.#commits.write({ steps: [], checkpoints, droppedCheckpoints, consumed: read, step })
    if (published === undefined) return written
    return written.then(() => this.#shown.set(item, published.type, published.value))
  }

  /** @throws SerializationError */
  #encoded(
    step: string,
    item: string,
    { generation, checkpoints, published, answer }: CheckpointChange,
  ): readonly CheckpointRecord[] | Promise<readonly CheckpointRecord[]> {
    let isLate = false
    try {
      const records = checkpoints.map((checkpoint) => {
        const record = this.#recordOf({ step: this.#keyNameOf(step), item, generation }, checkpoint)
        isLate ||= isPromise(record)
        return record
      })
      if (published !== undefined) {
        const place = publishedPlace(published.type, item)
        const { value } = published
        const shown = { ...checkpoints.at(-1)!, name: place.name, kind: 'published', order: 0, value }
        const record = this.#recordOf(place, shown)
        isLate ||= isPromise(record)
        records.push(record)
      }
      if (answer !== undefined) {
        const record = encodedAnswer(this.#connection, this.#id, answer, checkpoints.at(-1)!.at)
        isLate ||= isPromise(record)
        records.push(record)
      }
      return isLate ? Promise.all(records) : (records as readonly CheckpointRecord[])
    } catch (error) {
      return Promise.reject(this.#withoutSensitiveParts(step, error))
    }
  }

  /** Nothing says of which types it is what a verb came to. */
  #withoutSensitiveParts(step: string, error: unknown): unknown {
    const spec = this.#plan.steps.find((one) => one.spec.name === step)?.spec
    return withoutSensitiveParts(error, spec === undefined || touchesSensitiveTypes(spec))
  }

  #recordOf(
    place: { readonly step: string; readonly item: string; readonly generation: number },
    { name, kind, status, order, at, dueAt, value, error }: Checkpoint,
  ): CheckpointRecord | Promise<CheckpointRecord> {
    const { encoding } = this.#connection
    const key = { ...place, name }
    const record = { ...key, kind, status, order, at, dueAt, value: undefined, error: undefined }
    if (status === 'failed') {
      const identity = checkpointIdentity(this.#id, key, 'error')
      const stored = encoding.encodeError(error, identity)
      return isPromise(stored) ? stored.then((error) => ({ ...record, error })) : { ...record, error: stored }
    }
    if (value === undefined) return record
    const identity = checkpointIdentity(this.#id, key)
    const encode = (what: unknown): StoredValue | Promise<StoredValue> => encoding.encode(what, identity)
    const stored =
      kind === 'begin' && place.generation === 0 ? withoutWhatCannotBe(encode, value as Begun) : encode(value)
    return isPromise(stored) ? stored.then((value) => ({ ...record, value })) : { ...record, value: stored }
  }
}

/** Inputs that can't be stored are made anew where the function runs again. */
function withoutWhatCannotBe(
  encode: (what: unknown) => StoredValue | Promise<StoredValue>,
  value: Begun,
): StoredValue | Promise<StoredValue> {
  const orWithout = (error: unknown): StoredValue | Promise<StoredValue> => {
    if (!(error instanceof SerializationError)) throw error
    return encode({ key: value.key })
  }
  try {
    const stored = encode(value)
    return isPromise(stored) ? stored.catch(orWithout) : stored
  } catch (error) {
    return orWithout(error)
  }
}

/** Undefined where no step is a durable function. */
export function checkpointsOf(
  connection: StoreConnection,
  commits: ExecutionCommits,
  of: CheckpointedExecution,
): StoredCheckpoints | undefined {
  return of.plan.hasFunctions ? new StoredCheckpoints(connection, commits, of) : undefined
}

function placeOf(step: string, item: string): string {
  return `${item}\0${step}`
}
