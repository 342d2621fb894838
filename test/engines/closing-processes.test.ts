import { join } from 'node:path'
import { expect, test } from 'vitest'
import { migrate } from '../../src/engines/bullmq/index.ts'
import { startPostgres } from '../servers/postgres.ts'
import { startRedis } from '../servers/redis.ts'
import { startTalkingChild } from '../servers/talking-child.ts'

const program = join(import.meta.dirname, 'opening-process.ts')
const restless = join(import.meta.dirname, 'restless-process.ts')

test.concurrent.each(['redis', 'postgres'] as const)(
  'a process whose engine is closed while its %s is away ends, with nothing thrown',
  { timeout: 120_000 },
  async (kind) => {
    await using server = kind === 'redis' ? await startRedis() : await startPostgres()
    if (kind === 'postgres') await migrate(server.url)
    using child = startTalkingChild(program, [server.url, 'serve'])
    await child.line()
    await server.kill()
    child.say('close')
    expect(await child.ended()).toEqual([0, null, ''])
    expect(child.said).toEqual(['open', 'closed'])
  },
)

test.concurrent.each(['redis', 'postgres'] as const)(
  'a process whose engine on %s is closed while a consumer begins comes to its end',
  { timeout: 60_000 },
  async (kind) => {
    await using server = kind === 'redis' ? await startRedis() : await startPostgres()
    if (kind === 'postgres') await migrate(server.url)
    using child = startTalkingChild(program, [server.url, 'hurry'])
    expect(await child.ended()).toEqual([0, null, ''])
    expect(child.said).toEqual(['closed'])
  },
)

test.concurrent.each(['redis', 'postgres'] as const)(
  'connections to %s that are cut at any moment, while they are made, are used, or are closed, throw nothing in the process',
  { timeout: 120_000 },
  async (kind) => {
    await using server = kind === 'redis' ? await startRedis() : await startPostgres()
    if (kind === 'postgres') await migrate(server.url)
    const seed = Math.floor(Math.random() * 2 ** 32)
    using child = startTalkingChild(restless, [server.url, String(seed)])
    expect(await child.ended(), `seed ${seed}`).toEqual([0, null, ''])
    expect(child.said).toEqual(['all rounds'])
  },
)
