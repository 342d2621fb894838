import type { StepPage, StepRecord } from '../../src/core/contracts/execution-record.ts'
import { isTurnOver, nextTurn } from '../sql/event-loop-turn.ts'
import type { Connection } from './connection.ts'
import { damaged } from './errors.ts'
import { readScript } from './reading-scripts.ts'
import { unpackedLists } from './packed-lists.ts'
import { isStepField, stepRecord } from './step-record.ts'

type Steps = (StepRecord & { readonly execution: string })[]

/** Executions are read whole, so many at a time, unless they are larger than this. */
const idsPerPage = 256
const wholeBytes = 131_072
/** Of all of them together: those that come after so many bytes are read with the next ones. */
const pageBytes = 2_097_152
/** A portion of a large one has about so many bytes, and no more steps than a turn of the event loop unpacks. */
const portionBytes = 8_388_608
const portionSteps = 1_000

/** Where reading goes on: at the next id, after those that were passed over. */
interface Place {
  readonly next: number
  /** Places of those for which the last page had no room. */
  readonly later: readonly number[]
  /** By their place, and how many of its steps make a portion. */
  readonly large: readonly { readonly index: number; readonly count: number }[]
}

/**
 * A page of step records. Not by HSCAN: its cursors mean nothing after a failover or when a slot has moved, and steps would be
 * missing without a word. Of a large execution the names of all fields are read first; those that are left are part of the place, and each
 * portion has the fields of the next few.
 */
export async function readStepPage(
  connection: Connection,
  ids: readonly string[],
  next: string | undefined,
): Promise<StepPage> {
  const { place, names } = placeIn(next)
  const [first, ...others] = place.large
  if (first !== undefined) {
    const { portion, rest } = takeNames(names ?? (await namesOf(connection, ids[first.index]!, place)), first.count)
    const steps = await readFields(connection, ids[first.index]!, portion)
    return { steps, next: rest ?? placeAfter({ ...place, large: others }, ids.length) }
  }
  return readWhole(connection, ids, place)
}

/** Those of many executions, as they are read whole: a script for many, and all in one round trip. */
async function readWhole(
  connection: Connection,
  ids: readonly string[],
  { next: start, later }: Place,
): Promise<StepPage> {
  const { link, layout } = connection
  const end = Math.min(ids.length, start + Math.max(1, idsPerPage - later.length))
  const page = [...later, ...Array.from({ length: end - start }, (_, offset) => start + offset)]
  const groups = link.groupsOf(page.map((index) => ({ index, id: ids[index]! })))
  const bytesOfGroup = Math.max(wholeBytes, Math.floor(pageBytes / groups.length))
  const replies = await link.all(
    groups.map((group) => ({
      run: readScript,
      keys: group.map(({ id }) => layout.execution(id)),
      args: [wholeBytes, bytesOfGroup],
    })),
  )
  const steps: Steps = []
  const left: number[] = []
  const large: Place['large'][number][] = []
  for (const [position, group] of groups.entries()) {
    if (isTurnOver()) await nextTurn()
    const read = unpackedLists(replies[position] as Buffer) as readonly (readonly Buffer[] | null)[]
    for (const [at, { index, id }] of group.entries()) {
      const values = read[at] ?? null
      if (values === null) left.push(index)
      else if (values.length === 1) large.push({ index, count: portionOf(values[0]!) })
      else
        for (let value = 0; value < values.length; value += 2)
          addStep(connection, steps, id, values[value]!, values[value + 1]!)
    }
  }
  return { steps, next: placeAfter({ next: end, later: left, large }, ids.length) }
}

/** How many steps of one that has so many fields and bytes make a portion. */
function portionOf(size: Buffer): number {
  const [fields, bytes] = size.toString().split(' ').map(Number)
  return Math.max(1, Math.min(Math.floor((fields! * portionBytes) / bytes!), portionSteps))
}

/**
 * A line with the place, after the names of fields that are left of the first large one, where it has been begun. The place stays the same while
 * one is read, so what is left is the end of the same text: a part of a text is no copy, and one of a million names must not be copied a
 * thousand times.
 */
function placeIn(next: string | undefined): { readonly place: Place; readonly names: Names | undefined } {
  if (next === undefined) return { place: { next: 0, later: [], large: [] }, names: undefined }
  const end = next.lastIndexOf('\n')
  const place = JSON.parse(next.slice(end + 1)) as Place
  return { place, names: end === -1 ? undefined : { text: next, end } }
}

function placeAfter(place: Place, length: number): string | undefined {
  const { next, later, large } = place
  return next >= length && later.length === 0 && large.length === 0 ? undefined : JSON.stringify(place)
}

/** Names, each after its length, up to `end`; then the place. */
interface Names {
  readonly text: string
  readonly end: number
}

/** The names of an execution's steps in one text: a list of a hundred thousand would be taken apart for each portion. */
async function namesOf({ link, layout }: Connection, id: string, place: Place): Promise<Names> {
  const fields = (await link.one({ run: 'hkeys', keys: [layout.execution(id)], args: [] })) as Buffer[]
  const names = fields
    .filter(isStepField)
    .map((field) => `${field.length} ${field.toString('latin1')}`)
    .join('')
  return { text: `${names}\n${JSON.stringify(place)}`, end: names.length }
}

/** The first few, and the text of the others; undefined where none are left. */
function takeNames(
  { text, end }: Names,
  count: number,
): { readonly portion: readonly Buffer[]; readonly rest: string | undefined } {
  const portion: Buffer[] = []
  let at = 0
  while (at < end && portion.length < count) {
    const start = text.indexOf(' ', at) + 1
    at = start + Number(text.slice(at, start))
    portion.push(Buffer.from(text.slice(start, at), 'latin1'))
  }
  return { portion, rest: at < end ? text.slice(at) : undefined }
}

async function readFields(connection: Connection, id: string, fields: readonly Buffer[]): Promise<Steps> {
  const { link, layout } = connection
  const steps: Steps = []
  if (fields.length === 0) return steps
  const values = (await link.one({ run: 'hmget', keys: [layout.execution(id)], args: fields })) as (Buffer | null)[]
  for (const [index, value] of values.entries())
    if (value !== null) addStep(connection, steps, id, fields[index]!, value)
  return steps
}

function addStep({ layout, packer }: Connection, steps: Steps, id: string, field: Buffer, value: Buffer): void {
  if (!isStepField(field)) return
  const key = layout.execution(id)
  if (!field.includes(0)) throw damaged(`a step of execution "${id}"`, key)
  steps.push(stepRecord(id, key, field, value, packer))
}
