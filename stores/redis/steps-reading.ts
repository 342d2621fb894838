import type { StepPage, StepRecord } from '../../src/core/contracts/execution-record.ts'
import type { Connection } from './connection.ts'
import { damaged } from './errors.ts'
import { readScript } from './execution-scripts.ts'
import { isStepField, stepRecord } from './step-record.ts'

type Steps = (StepRecord & { readonly execution: string })[]

/** Executions are read whole, so many at a time, unless they are larger than this. */
const idsPerPage = 64
const wholeBytes = 131_072
/** A portion of a large one has about so many bytes. */
const portionBytes = 8_388_608

/** Where reading goes on: at the next id, after the large ones that were passed over. */
interface Place {
  readonly next: number
  readonly large: readonly { readonly index: number; readonly from: number; readonly count: number }[]
}

/**
 * A page of step records. Not by HSCAN: its cursors mean nothing after a failover or when a slot has moved, and steps would be
 * missing without a word. Of a large execution the names of its fields are read, and then the fields in portions by name.
 */
export async function readStepPage(
  connection: Connection,
  ids: readonly string[],
  next: string | undefined,
): Promise<StepPage> {
  const { next: start, large } = next === undefined ? { next: 0, large: [] } : (JSON.parse(next) as Place)
  const [first, ...others] = large
  if (first !== undefined) {
    const id = ids[first.index]!
    const { steps, isLast } = await readPortion(connection, id, first.from, first.count)
    const rest = isLast ? others : [{ ...first, from: first.from + first.count }, ...others]
    return { steps, next: placeAfter({ next: start, large: rest }, ids.length) }
  }
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
      const count = Math.max(1, Math.floor((fields * portionBytes) / Number(bytes)))
      tooLarge.push({ index: start + offset, from: 0, count })
      continue
    }
    for (let at = 0; at < values.length; at += 2)
      addStep(connection, steps, page[offset]!, values[at] as Buffer, values[at + 1] as Buffer)
  }
  return { steps, next: placeAfter({ next: start + page.length, large: tooLarge }, ids.length) }
}

function placeAfter(place: Place, length: number): string | undefined {
  return place.next >= length && place.large.length === 0 ? undefined : JSON.stringify(place)
}

async function readPortion(
  connection: Connection,
  id: string,
  from: number,
  count: number,
): Promise<{ steps: Steps; isLast: boolean }> {
  const { link, layout } = connection
  const key = layout.execution(id)
  const names = ((await link.one({ run: 'hkeys', keys: [key], args: [] })) as Buffer[])
    .filter(isStepField)
    .sort((one, other) => Buffer.compare(one, other))
  const portion = names.slice(from, from + count)
  const steps: Steps = []
  if (portion.length > 0) {
    const values = (await link.one({ run: 'hmget', keys: [key], args: portion })) as (Buffer | null)[]
    for (const [index, value] of values.entries())
      if (value !== null) addStep(connection, steps, id, portion[index]!, value)
  }
  return { steps, isLast: from + count >= names.length }
}

function addStep({ layout, packer }: Connection, steps: Steps, id: string, field: Buffer, value: Buffer): void {
  if (!isStepField(field)) return
  const key = layout.execution(id)
  if (!field.includes(0)) throw damaged(`a step of execution "${id}"`, key)
  steps.push(stepRecord(id, key, field, value, packer))
}
