import type { ExecutionRecord, StepRecord } from '../../core/contracts/execution-record.ts'
import type { StoredValue } from '../../core/contracts/stored-value.ts'
import { SerializationError } from '../../core/errors.ts'
import type { FormerNames } from '../../core/graph/former-names.ts'
import type { AnyGraph } from '../../core/graph/graph-index.ts'
import { requireIndex } from '../../core/graph/plan.ts'
import { isRecord } from '../../core/is-record.ts'
import type { ValueEncoding } from '../../core/values/value-encoding.ts'
import type { FullClock } from '../../runtime/environment/clock.ts'
import { turnOf } from '../../runtime/environment/turn.ts'
import type { Turn } from '../../runtime/environment/turn.ts'
import { digestOfBatch, digestOfItems, itemsPerDigest } from './batch-digest.ts'
import { itemsStep, writtenItemsOf } from './batch-items.ts'
import type { BatchItems } from './batch-items.ts'
import { droppedRecord } from './migrate-records.ts'
import { headUnderPresentNames, movedRecord, presentRecord, renamedKeys, takesPlaceOf } from './present-names.ts'
import type { RecordedEnd } from './present-names.ts'
import { headOfBatch } from './batch-head.ts'
import type { StepPages } from './step-pages.ts'
import { placeOf } from './step-place.ts'
import { movedKeptRecord } from './renamed-undos.ts'
import { forgottenRecord, keptBeside } from './undo-records.ts'
import { decodePresent } from './stored-inputs.ts'

/** What is stored of a batch: its step records are read page by page, once for each time that they are wanted. */
export interface StoredBatch {
  readonly record: ExecutionRecord
  readonly pages: StepPages
}

/** A batch as its graph names things now. */
export interface PresentBatch extends StoredBatch {
  /** Whether the target is stored under a former name. */
  readonly hasFormerTarget: boolean
  /** Whether the request’s digest may have been made with former names. */
  readonly hasFormerTypes: boolean
  /** What is to be written where it goes on under these names, the inputs first; undefined where nothing is. */
  readonly changes: { readonly inputs: StoredValue | undefined; readonly pages: StepPages } | undefined
}

/**
 * Puts present names in the place of former ones: of the graph, its steps and its types.
 * @throws SerializationError for a damaged head; from the pages, for damaged records
 */
export async function batchUnderPresentNames(
  stored: StoredBatch,
  graph: AnyGraph,
  encoding: ValueEncoding,
  clock: FullClock,
): Promise<PresentBatch> {
  const { record, pages } = stored
  const same = { ...stored, hasFormerTarget: false, hasFormerTypes: false, changes: undefined }
  const { former } = requireIndex(graph)
  if (former === undefined) return same
  const survey = await FormerRecords.in(pages, former)
  const head = await headUnderPresentNames(record, survey.names, graph, encoding)
  if (head === undefined) return same
  const { present, changedInputs, hasFormerTypes } = head
  const renaming = { id: record.id, former, survey, encoding, turn: turnOf(clock), at: clock.now() }
  const isChanged = changedInputs !== undefined || survey.hasAny
  return {
    record: present,
    pages: former.steps.size + former.types.size === 0 ? pages : renamedPages(pages, renaming),
    hasFormerTarget: present.target !== record.target,
    hasFormerTypes,
    changes: isChanged ? { inputs: changedInputs, pages: changedPages(pages, renaming) } : undefined,
  }
}

/** A batch as its graph names things now, to be shown. What can't be read keeps its names. */
export async function shownBatch(
  stored: StoredBatch,
  graph: AnyGraph | undefined,
  encoding: ValueEncoding,
  clock: FullClock,
): Promise<StoredBatch> {
  if (graph === undefined) return stored
  try {
    return await batchUnderPresentNames(stored, graph, encoding, clock)
  } catch (error) {
    if (!(error instanceof SerializationError)) throw error
    return { ...stored, record: await presentRecord(stored.record, graph, encoding) }
  }
}

/** The request’s digest of a stored batch as it would be now; the one that its record has, where not all of its items are written. */
export async function presentDigestOfBatch(
  { record, pages }: StoredBatch,
  graph: AnyGraph,
  encoding: ValueEncoding,
  turn: Turn,
): Promise<string> {
  const { types = new Map<string, string>() } = requireIndex(graph).former ?? {}
  if (types.size === 0) return record.requestDigest
  const { total } = await headOfBatch(record, encoding)
  const inPages: StepPages = (take) =>
    pages(async (steps) => {
      const chunks = steps.filter(({ step }) => step === itemsStep)
      await take(await Promise.all(chunks.map((row) => presentItems(record.id, row, types, encoding))))
    })
  return digestOfWritten(record, await writtenItemsOf(record.id, inPages, total, encoding, turn), encoding, turn)
}

/** The same of a batch whose record and items have present names. */
export async function digestOfWritten(
  record: ExecutionRecord,
  written: BatchItems | number,
  encoding: ValueEncoding,
  turn: Turn,
): Promise<string> {
  if (typeof written === 'number') return record.requestDigest
  const head = await headOfBatch(record, encoding)
  const digests: string[] = []
  for (let start = 0; start < head.total; start += itemsPerDigest) {
    if (turn.mustYield(itemsPerDigest)) await turn.next()
    digests.push(digestOfItems(written, start))
  }
  return encoding.resultKey(digestOfBatch(record.target, head, digests, head.$drawing))
}

/** Which records have former names, and which of several holds, where a step has begun under more than one: of them all names are kept. */
class FormerRecords {
  /** Of all steps that there are records of. */
  readonly names = new Set<string>()
  #hasKept = false
  /** The name under which that record is that holds, by its place under the present name. */
  readonly #holding = new Map<string, RecordedEnd & Pick<StepRecord, 'step'>>()

  static async in(pages: StepPages, former: FormerNames): Promise<FormerRecords> {
    const found = new FormerRecords()
    if (former.steps.size === 0) return found
    await pages((steps) => {
      for (const step of steps) found.#add(step, former)
    })
    // What stands under the present name may have come before.
    if (found.hasAny)
      await pages((steps) => {
        for (const step of steps) if (!former.steps.has(step.step)) found.#stand(step)
      })
    return found
  }

  get hasAny(): boolean {
    return this.#hasKept || this.#holding.size > 0
  }

  /** Whether this record is the one of its step that holds; `name`: the step's present one. */
  holds({ step, item }: StepRecord, name: string): boolean {
    return (this.#holding.get(placeOf({ step: name, item }))?.step ?? step) === step
  }

  #add(row: StepRecord, former: FormerNames): void {
    const name = former.steps.get(row.step)
    const kept = keptBeside(row)
    this.names.add(kept?.step ?? row.step)
    // What was undone has left no record of its own.
    if (kept !== undefined && former.steps.has(kept.step)) this.#hasKept = true
    if (name === undefined) return
    const key = placeOf({ step: name, item: row.item })
    const known = this.#holding.get(key)
    if (known === undefined || takesPlaceOf(row, known)) this.#holding.set(key, endOf(row))
  }

  /** Of one under the present name and one under a former one. */
  #stand(row: StepRecord): void {
    const key = placeOf(row)
    const known = this.#holding.get(key)
    if (known !== undefined && !takesPlaceOf(known, row)) this.#holding.set(key, endOf(row))
  }
}

function endOf({ step, status, startedAt, endedAt }: StepRecord): RecordedEnd & Pick<StepRecord, 'step'> {
  return { step, status, startedAt, endedAt }
}

interface Renaming {
  readonly id: string
  readonly former: FormerNames
  readonly survey: FormerRecords
  readonly encoding: ValueEncoding
  readonly turn: Turn
  readonly at: number
}

/** The records of steps under present names. */
function renamedPages(pages: StepPages, renaming: Renaming): StepPages {
  const { id, former, survey, encoding, turn } = renaming
  return (take) =>
    pages(async (rows) => {
      const steps: StepRecord[] = []
      for (const row of rows) {
        if (turn.mustYield()) await turn.next()
        const kept = keptBeside(row)
        const keptName = kept && former.steps.get(kept.step)
        if (kept !== undefined) {
          steps.push(keptName === undefined ? row : await movedKeptRecord(id, row, kept.step, keptName, encoding))
          continue
        }
        const name = former.steps.get(row.step) ?? row.step
        if (!survey.holds(row, name)) continue
        if (name !== row.step) steps.push(await moved(row, name, renaming))
        else if (row.step === itemsStep) steps.push(await presentItems(id, row, former.types, encoding))
        else steps.push({ ...row, type: former.types.get(row.type) ?? row.type })
      }
      await take(steps)
    })
}

/** What is to be written where a batch goes on under present names, a page at a time: each record leaves its place in the commit that has it in its new one. */
function changedPages(pages: StepPages, renaming: Renaming): StepPages {
  const { id, former, survey, turn, at, encoding } = renaming
  return async (take) => {
    if (!survey.hasAny) return
    await pages(async (rows) => {
      const changes: StepRecord[] = []
      for (const row of rows) {
        const kept = keptBeside(row)
        const name = former.steps.get(kept?.step ?? row.step)
        if (name === undefined) continue
        if (turn.mustYield()) await turn.next()
        if (kept !== undefined) {
          changes.push(forgottenRecord(row), await movedKeptRecord(id, row, kept.step, name, encoding))
          continue
        }
        changes.push(droppedRecord(row, at))
        if (survey.holds(row, name)) changes.push(await moved(row, name, renaming))
      }
      if (changes.length > 0) await take(changes)
    })
  }
}

function moved(row: StepRecord, step: string, { id, former, encoding }: Renaming): Promise<StepRecord> {
  return movedRecord(id, row, { ...row, step, type: former.types.get(row.type) ?? row.type }, encoding)
}

async function presentItems(
  id: string,
  row: StepRecord,
  types: ReadonlyMap<string, string>,
  encoding: ValueEncoding,
): Promise<StepRecord> {
  if (types.size === 0) return row
  const identity = ['step', id, row.step, row.item, 'output']
  const chunk = await decodePresent(row.output, identity, encoding)
  if (!isRecord(chunk) || !Array.isArray(chunk['items'])) return row
  const items = (chunk['items'] as readonly unknown[]).map((item) => renamedKeys(item, types))
  return { ...row, output: await encoding.encode({ ...chunk, items }, identity) }
}
