import { Redis } from 'ioredis'
import { expect, onTestFinished, test } from 'vitest'
import type { Store } from '../../src/core/contracts/store.ts'
import { StoreError } from '../../src/core/errors.ts'
import { redisStore } from '../../stores/redis/index.ts'
import { serverUrl } from '../servers/server-url.ts'
import { newCommit, newExecution } from './redis-records.ts'

const url = await serverUrl('redis')

type Replies = [error: Error | null, reply: unknown][]

/** A client between whose pipelines and their replies a test stands. */
class AlteredClient extends Redis {
  alter: (replies: Replies, commands: readonly string[]) => Replies | null = (replies) => replies

  /** A store works over a connection of its own. */
  override duplicate(...given: Parameters<Redis['duplicate']>): Redis {
    const Client = AlteredClient as new (options: object) => AlteredClient
    const other = new Client({ ...this.options, ...given[0] })
    other.alter = (replies, commands) => this.alter(replies, commands)
    return other
  }

  override pipeline(...given: Parameters<Redis['pipeline']>): ReturnType<Redis['pipeline']> {
    const pipeline = super.pipeline(...given)
    const commands: string[] = []
    const call = pipeline.callBuffer.bind(pipeline) as (...args: unknown[]) => typeof pipeline
    const exec = pipeline.exec.bind(pipeline)
    return Object.assign(pipeline, {
      callBuffer: (...args: unknown[]) => {
        commands.push(args.join(' '))
        return call(...args)
      },
      exec: async () => this.alter((await exec()) as Replies, commands),
    })
  }
}

async function opened(): Promise<{ store: Store; client: AlteredClient }> {
  const client = new AlteredClient(url)
  const store = redisStore({ client, prefix: crypto.randomUUID() })
  await store.open()
  onTestFinished(async () => {
    client.alter = (replies) => replies
    await store.close()
    await client.quit()
  })
  return { store, client }
}

const lost = new Error('Connection is closed.')

test('executions that were taken by a script whose reply is lost are not left to nobody: the look fails, and the next one has them', async () => {
  const { store, client } = await opened()
  await store.renewOwner('ada', 60_000)
  await store.create(Array.from({ length: 150 }, (_, n) => newExecution(`e${n}`, { owner: undefined })))
  const look = { owner: 'ada', graphs: ['users'], limit: 150 }
  client.alter = (replies, commands) => {
    const takes = commands.length > 1 && commands.every((command) => /^EVAL.* ada /s.test(command))
    // What has run, and not what the server does not know yet.
    return takes
      ? replies.map((reply, place) => (place === 1 && reply[0] === null ? [lost, undefined] : reply))
      : replies
  }
  await expect(store.acquire(look)).rejects.toMatchObject({ code: 'STORE_FAILED', isTransient: true })
  client.alter = (replies) => replies
  expect(await store.acquire(look)).toEqual([])
  expect(await store.acquire({ ...look, andOwn: true })).toHaveLength(150)
})

test('a child whose parent can’t be read is not purged: the parent may still wait for it', async () => {
  const { store, client } = await opened()
  await store.renewOwner('owner', 60_000)
  await store.create([newExecution('parent'), newExecution('child', { parent: 'parent' })])
  await store.commit([
    newCommit('child', { head: { status: 'completed', endedAt: 1_700_000_000_002, isReleased: true } }),
  ])
  const purge = () => store.purge({ statuses: ['completed'], endedBefore: 1_800_000_000_000, limit: 10 })
  client.alter = (replies, commands) =>
    replies.map((reply, place) => (/^HMGET .* s k$/.test(commands[place]!) ? [lost, undefined] : reply))
  await expect(purge()).rejects.toBeInstanceOf(StoreError)
  client.alter = (replies) => replies
  expect((await store.get(['child']))[0]?.status).toBe('completed')
  expect(await purge()).toBe(0)
})

test.each([
  ['fewer replies than commands', (replies: Replies) => replies.slice(1)],
  ['no replies', () => null],
  ['a reply that is missing', (replies: Replies) => replies.map((): Replies[number] => [null, undefined])],
])('%s are no answer that says what became of a deletion', async (_, alter) => {
  const { store, client } = await opened()
  await store.renewOwner('owner', 60_000)
  await store.create([newExecution('one')])
  client.alter = alter
  const failed = { code: 'STORE_FAILED', isTransient: true }
  await expect(store.delete([{ id: 'one', owner: 'owner', epoch: 1 }])).rejects.toMatchObject(failed)
  await expect(store.commit([newCommit('one')])).rejects.toMatchObject(failed)
})
