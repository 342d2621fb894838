import type {
  ScheduleQuery,
  ScheduleRecord,
  ScheduleRule,
  ScheduleTaking,
} from '../../src/core/contracts/schedule-record.ts'
import { requireSchedule } from '../../src/core/contracts/schedule-shape.ts'
import type { Connection } from './connection.ts'
import { damaged } from './errors.ts'
import { escapeText, timeKey, timeKeyLength, timeOf, unescapeText } from './layout.ts'
import type { Argument, Script } from './link.ts'
import type { Packer } from './msgpack.ts'
import {
  addScheduleScript,
  changeScheduleScript,
  deleteScheduleScript,
  nextScheduleScript,
  takeSchedulesScript,
} from './schedule-scripts.ts'
import { orElse } from './unreadable.ts'
import { packedText, packedValue, unpackedNumber, unpackedText, unpackedTime, unpackedValue } from './values.ts'

/** Adds schedules; gives what is there then. */
export async function addSchedulesTo(
  connection: Connection,
  schedules: readonly ScheduleRecord[],
): Promise<ScheduleRecord[]> {
  const replies = await runEach(connection, addScheduleScript, schedules, () => connection.layout.hints)
  return replies.map((reply, index) => {
    const schedule = schedules[index]!
    if (!Array.isArray(reply)) return schedule
    const [value, due] = reply as Buffer[]
    return recordOf(connection, schedule.name, value!, due)
  })
}

/** Puts records in the place of those that they go on from. */
export async function changeSchedulesOf(
  connection: Connection,
  schedules: readonly ScheduleRecord[],
): Promise<boolean[]> {
  const replies = await runEach(connection, changeScheduleScript, schedules, ({ revision }) => String(revision - 1))
  return replies.map((reply) => reply === 1)
}

/** Records by name. */
export async function getSchedulesOf(
  connection: Connection,
  names: readonly string[],
): Promise<(ScheduleRecord | undefined)[]> {
  if (names.length === 0) return []
  const { link, layout } = connection
  const [, values, , due] = layout.scheduleKeys
  const args = names.map(escapeText)
  const [found, members] = (await link.all([
    { run: 'hmget', keys: [values], args },
    { run: 'hmget', keys: [due], args },
  ])) as readonly (readonly (Buffer | null)[])[]
  return names.map((name, index) => {
    const value = found![index]
    return value ? recordOf(connection, name, value, members![index] ?? undefined) : undefined
  })
}

/** Records in the order of their names. */
export async function listSchedulesOf(
  connection: Connection,
  { graph, after, limit }: ScheduleQuery,
): Promise<ScheduleRecord[]> {
  const { link, layout } = connection
  const beginning = graph === undefined ? 'n' : graphMember(graph, '')
  const from = after === undefined ? `[${beginning}` : `(${beginning}${escapeText(after)}`
  const end = Buffer.concat([Buffer.from(`(${beginning}`), Buffer.of(0xff)])
  const args = [from, end, 'LIMIT', 0, limit]
  const members = (await link.one({ run: 'zrangebylex', keys: [layout.scheduleKeys[0]], args })) as readonly Buffer[]
  const names = members.map((member) => unescapeText(member.toString().slice(beginning.length)))
  // One that can't be read must not hide the others.
  const records = await Promise.all(
    names.map(async (name) => {
      try {
        return (await getSchedulesOf(connection, [name]))[0]
      } catch (error) {
        return orElse(undefined, () => {
          throw error
        })
      }
    }),
  )
  return records.filter((record) => record !== undefined)
}

/** When the first one of these graphs is due. */
export async function nextScheduleOf(
  { link, layout }: Connection,
  graphs: readonly string[],
): Promise<number | undefined> {
  const args = graphs.map((graph) => dueMember(graph))
  const found = await link.one({ run: nextScheduleScript, keys: layout.scheduleKeys, args })
  return found === null ? undefined : timeOf((found as Buffer).toString('latin1'))
}

/** Takes those that are due. */
export async function takeSchedulesOf(
  connection: Connection,
  { graphs, before, until, limit }: ScheduleTaking,
): Promise<ScheduleRecord[]> {
  if (graphs.length === 0 || limit <= 0) return []
  const { link, layout } = connection
  const beginnings = [...new Set(graphs)].map((graph) => dueMember(graph))
  const args = [timeKey(before), timeKey(until), limit, ...beginnings]
  const found = (await link.one({ run: takeSchedulesScript, keys: layout.scheduleKeys, args })) as readonly Buffer[]
  const taken: ScheduleRecord[] = []
  for (let index = 0; index < found.length; index += 2) {
    const name = unescapeText(found[index]!.toString())
    const record = orElse(undefined, () => recordOf(connection, name, found[index + 1]!, until))
    if (record !== undefined) taken.push(record)
  }
  return taken
}

/** Deletes schedules. */
export async function deleteSchedulesOf({ link, layout }: Connection, names: readonly string[]): Promise<boolean[]> {
  const replies = await link.all(
    names.map((name) => ({ run: deleteScheduleScript, keys: layout.scheduleKeys, args: [escapeText(name)] })),
  )
  return replies.map((reply) => reply === 1)
}

function runEach(
  { link, layout, packer }: Connection,
  run: Script,
  schedules: readonly ScheduleRecord[],
  last: (schedule: ScheduleRecord) => string,
): Promise<readonly unknown[]> {
  return link.all(
    schedules.map((schedule) => {
      const { name, graph, dueAt, revision, write } = schedule
      const due = dueAt === undefined ? '' : dueMember(graph, dueAt, name)
      const args: Argument[] = [
        escapeText(name),
        `${revision} ${write}`,
        bytesOf(schedule, packer),
        due,
        graphMember(graph, name),
        last(schedule),
      ]
      return { run, keys: layout.scheduleKeys, args }
    }),
  )
}

/** As it stands in the index; without a time, the beginning of all of a graph. */
function dueMember(graph: string, dueAt?: number, name = ''): string {
  return `d${escapeText(graph)}\0${dueAt === undefined ? '' : timeKey(dueAt) + escapeText(name)}`
}

function graphMember(graph: string, name: string): string {
  return `g${escapeText(graph)}\0${escapeText(name)}`
}

function dueOf(member: Buffer | undefined): number | undefined {
  const text = member?.toString() ?? ''
  if (text === '') return undefined
  const at = text.indexOf('\0') + 1
  return timeOf(text.slice(at, at + timeKeyLength))
}

function bytesOf(schedule: ScheduleRecord, packer: Packer): Buffer {
  const { graph, target, inputs, rule, digest, nextAt, pausedAt, note, lastAt, bufferedAt } = schedule
  const { started, skipped, missed, failures, runs, createdAt, updatedAt, revision, write } = schedule
  return packer.pack([
    packedText(graph),
    packedText(target),
    packedValue(inputs),
    // As text: its own texts may be such that msgpack would not keep.
    JSON.stringify(rule),
    packedText(digest),
    nextAt,
    pausedAt,
    note === undefined ? undefined : packedText(note),
    lastAt,
    bufferedAt,
    started,
    skipped,
    missed,
    failures,
    JSON.stringify(runs),
    createdAt,
    updatedAt,
    revision,
    write,
  ])
}

/** `due`: when it is, or the member of the index that says so. @throws StoreError when it is damaged */
function recordOf(
  { layout, packer }: Connection,
  name: string,
  bytes: Buffer,
  due: number | Buffer | undefined,
): ScheduleRecord {
  try {
    const dueAt = typeof due === 'number' ? due : dueOf(due)
    const values = packer.unpack(bytes)
    if (!Array.isArray(values) || values.length !== 19) throw new Error('it does not have the fields of a schedule')
    const [graph, target, inputs, rule, digest, nextAt, pausedAt, note, lastAt, bufferedAt, ...more] =
      values as unknown[]
    const [started, skipped, missed, failures, runs, createdAt, updatedAt, revision, write] = more
    return requireSchedule({
      name,
      graph: unpackedText(graph)!,
      target: unpackedText(target)!,
      inputs: unpackedValue(inputs)!,
      rule: JSON.parse(rule as string) as ScheduleRule,
      digest: unpackedText(digest)!,
      nextAt: unpackedTime(nextAt),
      dueAt,
      pausedAt: unpackedTime(pausedAt),
      note: unpackedText(note),
      lastAt: unpackedTime(lastAt),
      bufferedAt: unpackedTime(bufferedAt),
      started: unpackedNumber(started),
      skipped: unpackedNumber(skipped),
      missed: unpackedNumber(missed),
      failures: unpackedNumber(failures),
      runs: JSON.parse(runs as string) as readonly string[],
      createdAt: unpackedNumber(createdAt),
      updatedAt: unpackedNumber(updatedAt),
      revision: unpackedNumber(revision),
      write: unpackedText(write)!,
    })
  } catch (cause) {
    throw damaged(`schedule "${name}"`, layout.scheduleKeys[1], cause)
  }
}
