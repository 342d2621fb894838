import type { StepPage, StepRecord } from '../../src/core/contracts/execution-record.ts'
import type { Connection } from './connection.ts'
import { damaged } from './errors.ts'
import { readScript } from './execution-scripts.ts'
import { isStepField, stepRecord } from './step-record.ts'

type Steps = (StepRecord & { readonly execution: string })[]

/** Executions are read whole, so many at a time, unless they are larger than this. */
const idsPerPage = 64
const wholeBytes = 131_072
/** A portion of a large one has about so many bytes, and no more steps than a turn of the event loop unpacks. */
const portionBytes = 8_388_608
const portionSteps = 1_000

/** Where reading goes on: at the next id, after the large ones that were passed over. */
interface Place {
  readonly next: number
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
  const { next: start } = place
  const page = ids.slice(start, start + idsPerPage)
  const { link, layout } = connection
  const replies = await link.all(
    page.map((id) => ({ run: readScript, keys: [layout.execution(id)], args: [wholeBytes] })),
  )
  const steps: Steps = []
  const tooLarge: Place['large'][number][] = []
  for (const [offset, reply] of replies.entries()) {
    const values = reply as (Buffer | number)[]
    const [fields, bytes] = values
    if (typeof fields === 'number') {
      const fitting = Math.floor((fields * portionBytes) / Number(bytes))
      tooLarge.push({ index: start + offset, count: Math.max(1, Math.min(fitting, portionSteps)) })
      continue
    }
    for (let at = 0; at < values.length; at += 2)
      addStep(connection, steps, page[offset]!, values[at] as Buffer, values[at + 1] as Buffer)
  }
  return { steps, next: placeAfter({ next: start + page.length, large: tooLarge }, ids.length) }
}

/**
 * A line with the place, after the names of fields that are left of the first large one, where it has been begun. The place stays the same while
 * one is read, so what is left is the end of the same text: a part of a text is no copy, and one of a million names must not be copied a
 * thousand times.
 */
function placeIn(next: string | undefined): { readonly place: Place; readonly names: Names | undefined } {
  if (next === undefined) return { place: { next: 0, large: [] }, names: undefined }
  const end = next.lastIndexOf('\n')
  const place = JSON.parse(next.slice(end + 1)) as Place
  return { place, names: end === -1 ? undefined : { text: next, end } }
}

function placeAfter(place: Place, length: number): string | undefined {
  return place.next >= length && place.large.length === 0 ? undefined : JSON.stringify(place)
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
