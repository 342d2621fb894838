import { Redis } from 'ioredis'
import { bucketOf } from '../../../stores/redis/layout.ts'
import { chainLength } from '../durable/engine.ts'
import { redisFootprint } from '../durable/footprints.ts'
import type { RawGroups } from './durable-raw.ts'

type Argument = string | Buffer

/** What an execution's hash gets when it ends: output, end, and nobody's any more. */
const endFields = new Set(['v', 'z', 'd', 'o', 's', 'a'])

/** Pipelines of HSET, ZADD and ZREM. */
export async function openRawRedis(url: string, prefix: string, sample: string): Promise<RawGroups> {
  const client = new Redis(url)
  const footprint = await redisFootprint(url)
  const bucket = `${prefix}:{${bucketOf(sample)}}`
  const record = Object.entries(await client.hgetallBuffer(`${bucket}:x:${sample}`))
  const steps = record.filter(([field]) => field.startsWith(':'))
  if (steps.length !== chainLength) throw new Error(`found ${steps.length} step records of "${sample}"`)
  const members = (await client.zrange(`${bucket}:i`, '0', '-1')).filter((member) => member.endsWith(sample))
  const running = membersOf(members, 'c', 'r').filter((member) => !member.startsWith('e'))
  const atEnd = record.filter(([field]) => endFields.has(field)).flat()
  const atStart = record
    .filter(([field]) => !field.startsWith(':') && field !== 'v' && field !== 'z')
    .flatMap(([field, value]): Argument[] => [field, field === 's' ? 'r' : field === 'o' ? sample : value])
  const updated: Argument[] = ['a', record.find(([field]) => field === 'a')![1]]
  const keyOf = (id: string): string => `${prefix}:{${bucketOf(id)}}:x:${id}`
  const indexOf = (id: string): string => `${prefix}:{${bucketOf(id)}}:i`
  const like = (id: string) => (text: Argument) => (typeof text === 'string' ? text.replaceAll(sample, id) : text)
  // Those that are running by owner have it in their name.
  const unfinished: string = `u${sample}\0${running.find((member) => member.startsWith('s'))!}`
  const begun = [unfinished, ...running]
  const scored = (list: readonly string[], id: string): Argument[] =>
    list.flatMap((member): Argument[] => ['0', like(id)(member)])
  return {
    async begin(ids) {
      const pipeline = client.pipeline()
      for (const id of ids) {
        pipeline.call('hset', keyOf(id), ...atStart.map(like(id)))
        pipeline.call('zadd', indexOf(id), ...scored(begun, id))
      }
      await pipeline.exec()
    },
    async step(ids, step) {
      const pipeline = client.pipeline()
      for (const id of ids) pipeline.call('hset', keyOf(id), ...updated, ...steps[step]!)
      await pipeline.exec()
    },
    async end(ids, step) {
      const pipeline = client.pipeline()
      for (const id of ids) {
        pipeline.call('hset', keyOf(id), ...atEnd, ...steps[step]!)
        pipeline.call('zadd', indexOf(id), ...scored(members, id))
        pipeline.call('zrem', indexOf(id), ...begun.map(like(id)))
      }
      await pipeline.exec()
    },
    footprint: footprint.read,
    async close() {
      client.disconnect()
      await footprint.close()
    },
  }
}

/** The index's members of an execution in another status. */
function membersOf(members: readonly string[], from: string, to: string): string[] {
  return members.map((member) =>
    member.startsWith('g') ? member.replace(`\0${from}`, `\0${to}`) : member[0]! + to + member.slice(2),
  )
}
