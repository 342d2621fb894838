import { append } from '../../src/core/append.ts'
import { lastCheckpoints } from '../../src/core/contracts/checkpoint-record.ts'
import type {
  CheckpointPlace,
  CheckpointRecord,
  CheckpointRequest,
  CheckpointStatus,
} from '../../src/core/contracts/checkpoint-record.ts'
import type { ExecutionCommit } from '../../src/core/contracts/execution-record.ts'
import { dropsOf, scopeOf } from '../sql/checkpoints.ts'
import { checkpointsScript, nameAt, orderAt, orderLength, scopeLength } from './checkpoint-scripts.ts'
import type { Connection } from './connection.ts'
import { damaged } from './errors.ts'
import { escapeText, timeKey, timeOf, unescapeText } from './layout.ts'
import type { Argument } from './link.ts'
import type { Packer } from './msgpack.ts'
import { packedLists } from './packed-lists.ts'
import { packedText, packedValue, unpackedNumber, unpackedText, unpackedTime, unpackedValue } from './values.ts'

/** So many are read by one script: nobody waits long for it. */
const portion = 200

type Key = Pick<CheckpointRecord, 'step' | 'item' | 'generation' | 'name'>

/** What a script takes away and writes; '' for nothing. */
export function packedCheckpoints(
  { checkpoints, droppedCheckpoints }: Pick<ExecutionCommit, 'checkpoints' | 'droppedCheckpoints'>,
  packer: Packer,
): Buffer | '' {
  if (checkpoints === undefined && droppedCheckpoints === undefined) return ''
  const scopes: string[] = []
  const fields: string[] = []
  for (const { scope, generation, name } of dropsOf(droppedCheckpoints)) {
    if (generation === undefined || name === undefined) scopes.push(scope)
    else fields.push(scope + timeKey(generation) + escapeText(name))
  }
  const written: Argument[] = []
  for (const one of lastCheckpoints(checkpoints)) written.push(fieldOf(one), bytesOf(one, packer))
  return packedLists([scopes, fields, written])
}

/** Checkpoints of an execution, in their order. */
export async function readCheckpointsOf(
  connection: Connection,
  request: CheckpointRequest,
): Promise<CheckpointRecord[]> {
  const { execution, of, only, limit } = request
  if (only !== undefined) return readNamed(connection, request)
  const end = of === undefined ? '+' : Buffer.concat([Buffer.from(`(${scopeOf(of)}`), Buffer.of(0xff)])
  const [checkpoints, places] = connection.layout.checkpointKeys(execution)
  const found: CheckpointRecord[] = []
  let { after } = request
  while (found.length < limit) {
    const wanted = Math.min(portion, limit - found.length)
    const from = after === undefined ? (of === undefined ? '-' : `[${scopeOf(of)}`) : `(${memberOf(after)}`
    const call = { run: checkpointsScript, keys: [checkpoints, places], args: [from, end, wanted] }
    const [members, values] = (await connection.link.one(call)) as [Buffer[], (Buffer | null)[]]
    const read = members.flatMap((member, index) => recordOf(connection, execution, partsOf(member), values[index]))
    append(found, read)
    after = read.at(-1)
    if (members.length < wanted || after === undefined) break
  }
  return found
}

/** Those that have names are looked up by them, and there are few. */
async function readNamed(
  connection: Connection,
  { execution, of = { step: '', item: '' }, only, after, limit }: CheckpointRequest,
): Promise<CheckpointRecord[]> {
  const { generation, names } = only!
  if (names.length === 0) return []
  const [key] = connection.layout.checkpointKeys(execution)
  const fields = names.map((name) => fieldOf({ ...of, generation, name }))
  const values = (await connection.link.one({ run: 'hmget', keys: [key], args: fields })) as (Buffer | null)[]
  const least = after === undefined ? '' : memberOf(after)
  return values
    .flatMap((value, index) => recordOf(connection, execution, { generation, name: names[index]! }, value))
    .map((record) => ({ record, member: memberOf(record) }))
    .filter(({ member }) => Buffer.compare(Buffer.from(member), Buffer.from(least)) > 0)
    .toSorted((one, other) => Buffer.compare(Buffer.from(one.member), Buffer.from(other.member)))
    .slice(0, limit)
    .map(({ record }) => record)
}

/** The field of the hash: what stands for step and item, the generation, the name. */
function fieldOf({ step, item, generation, name }: Key): string {
  return scopeOf({ step, item }) + timeKey(generation) + escapeText(name)
}

/** The member of the sorted set: the same, with the order before the name. */
function memberOf({ step, item, generation, order, name }: CheckpointPlace): string {
  return scopeOf({ step, item }) + timeKey(generation) + timeKey(order) + escapeText(name)
}

function partsOf(member: Buffer): Pick<CheckpointRecord, 'generation' | 'name'> {
  return {
    generation: timeOf(member.toString('latin1', scopeLength, orderAt)),
    name: unescapeText(member.toString('utf8', nameAt)),
  }
}

/** Its place in the order, which scripts read, then the rest as msgpack. */
function bytesOf(
  { order, step, item, kind, status, value, error, at, dueAt }: CheckpointRecord,
  packer: Packer,
): Buffer {
  const texts = [step, item, kind].map(packedText)
  const rest = packer.pack([status, ...texts, packedValue(value), packedValue(error), at, dueAt])
  return Buffer.concat([Buffer.from(timeKey(order)), rest])
}

/** None where it was taken away just now. @throws StoreError when it is damaged */
function recordOf(
  { layout, packer }: Connection,
  execution: string,
  { generation, name }: Pick<CheckpointRecord, 'generation' | 'name'>,
  bytes: Buffer | null | undefined,
): readonly CheckpointRecord[] {
  if (bytes === null || bytes === undefined) return []
  try {
    const values = packer.unpack(bytes.subarray(orderLength))
    if (!Array.isArray(values) || values.length !== 8) throw new Error('it does not have the fields of a checkpoint')
    const [status, step, item, kind, value, error, at, dueAt] = values as unknown[]
    return [
      {
        step: unpackedText(step) ?? '',
        item: unpackedText(item) ?? '',
        generation,
        name,
        kind: unpackedText(kind) ?? '',
        order: timeOf(bytes.toString('latin1', 0, orderLength)),
        status: status as CheckpointStatus,
        value: unpackedValue(value),
        error: unpackedValue(error),
        at: unpackedNumber(at),
        dueAt: unpackedTime(dueAt),
      },
    ]
  } catch (cause) {
    throw damaged(`checkpoint "${name}" of execution "${execution}"`, layout.checkpointKeys(execution)[0], cause)
  }
}
