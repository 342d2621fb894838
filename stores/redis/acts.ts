import type { ActQuery, ActRecord } from '../../src/core/contracts/act-record.ts'
import type { Connection } from './connection.ts'
import { damaged } from './errors.ts'
import { escapeText, timeKey } from './layout.ts'
import { script } from './link.ts'
import type { Packer } from './msgpack.ts'
import { orElse } from './unreadable.ts'
import { packedText, unpackedNumber, unpackedText } from './values.ts'

/*
 * Acts lie in one slot: there are as many as people do. All are members `<at><id>` of a sorted set whose scores are 0, those on an execution of one of its
 * own too; a hash has what each of them is, as msgpack.
 */

/** KEYS: times, values, and those on the execution, if it is about one. ARGV: the member, what it is. */
const addScript = script(`
if redis.call('HSETNX', KEYS[2], ARGV[1], ARGV[2]) == 0 then return 0 end
redis.call('ZADD', KEYS[1], 0, ARGV[1])
if KEYS[3] then redis.call('ZADD', KEYS[3], 0, ARGV[1]) end
return 1
`)

/** The same keys. ARGV: the member. */
const dropScript = script(`
if KEYS[3] then redis.call('ZREM', KEYS[3], ARGV[1]) end
redis.call('HDEL', KEYS[2], ARGV[1])
return redis.call('ZREM', KEYS[1], ARGV[1])
`)

export async function addActsTo({ link, layout, packer }: Connection, acts: readonly ActRecord[]): Promise<void> {
  await link.all(
    acts.map((act) => {
      const { id, at, by, act: what, execution, note } = act
      const value = [id, by, what, execution ?? undefined, note ?? undefined].map((text) =>
        text === undefined ? undefined : packedText(text),
      )
      return { run: addScript, keys: keysOf(layout, execution), args: [memberOf(act), packer.pack([at, ...value])] }
    }),
  )
}

export async function listActsOf(
  { link, layout, packer }: Connection,
  { execution, after, limit }: ActQuery,
): Promise<ActRecord[]> {
  if (limit <= 0) return []
  const [times, values] = layout.actKeys
  const from = after === undefined ? '+' : `(${memberOf(after)}`
  const key = execution === undefined ? times : layout.actsOn(execution)
  const [members] = (await link.all([
    { run: 'zrevrangebylex', keys: [key], args: [from, '-', 'LIMIT', 0, limit] },
  ])) as readonly (readonly Buffer[])[]
  return readActs({ link, layout, packer }, values, members!)
}

export async function purgeActsOf(connection: Connection, before: number, limit: number): Promise<number> {
  const { link, layout } = connection
  const [times, values] = layout.actKeys
  const [members] = (await link.all([
    { run: 'zrangebylex', keys: [times], args: ['-', `(${timeKey(before)}`, 'LIMIT', 0, limit] },
  ])) as readonly (readonly Buffer[])[]
  const acts = new Map((await readActs(connection, values, members!)).map((act) => [memberOf(act), act]))
  await link.all(
    members!.map((member) => ({
      run: dropScript,
      keys: keysOf(layout, acts.get(member.toString())?.execution),
      args: [member],
    })),
  )
  return members!.length
}

function keysOf(layout: Connection['layout'], execution: string | undefined): readonly string[] {
  return execution === undefined ? layout.actKeys : [...layout.actKeys, layout.actsOn(execution)]
}

function memberOf({ at, id }: Pick<ActRecord, 'at' | 'id'>): string {
  return timeKey(at) + escapeText(id)
}

async function readActs(
  { link, packer }: Connection,
  values: string,
  members: readonly Buffer[],
): Promise<ActRecord[]> {
  if (members.length === 0) return []
  const [found] = (await link.all([{ run: 'hmget', keys: [values], args: [...members] }])) as [
    readonly (Buffer | null)[],
  ]
  return found.flatMap((bytes) => (bytes === null ? [] : orElse([], () => [actOf(bytes, values, packer)])))
}

function actOf(bytes: Buffer, key: string, packer: Packer): ActRecord {
  try {
    const [at, ...texts] = packer.unpack(bytes) as unknown[]
    const [id, by, act, execution, note] = texts.map(unpackedText)
    return { id: id!, at: unpackedNumber(at), by: by!, act: act!, execution, note }
  } catch (cause) {
    throw damaged('an act', key, cause)
  }
}
