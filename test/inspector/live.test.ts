import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { createDocket } from 'docket'
import type { Docket } from 'docket'
import { createInspector } from 'docket/inspector'
import type { Inspector } from 'docket/inspector'
import { memoryStore } from 'docket/stores/memory'
import { sqliteStore } from 'docket/stores/sqlite'
import { WebSocket, WebSocketServer } from 'ws'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { PageConnection } from '../../src/inspector/page-connection.ts'
import type { LiveFrame } from '../../src/inspector/protocol.ts'
import { expectNoUnhandledErrors } from '../loose-api.ts'
import { tokenOf } from './inspected-docket.ts'
import { PageClient } from './page-client.ts'
import { Answer, quick, talks, Word } from './talks.ts'

expectNoUnhandledErrors()

let store: ReturnType<typeof memoryStore>
let docket: Docket
let inspector: Inspector
const pages: PageClient[] = []

async function page(of: Pick<Inspector, 'url'> = inspector): Promise<PageClient> {
  const opened = await PageClient.open(of)
  pages.push(opened)
  return opened
}

beforeEach(async () => {
  store = memoryStore()
  docket = createDocket({ graphs: [talks, quick], store })
  inspector = await createInspector({ docket })
})

afterEach(async () => {
  for (const opened of pages.splice(0)) opened.close()
  await inspector.close()
  await docket.close({ deadline: 0 })
})

const start = (id: string) => docket.start(talks, Answer, { Name: 'ab' }, { id })
const statusOf = (of: PageClient, step: string): string | undefined => of.steps.get(step)?.status

describe('a page that watches', () => {
  test('the list is shown what there is, what begins and what ends', async () => {
    await start('first')
    const list = await page()
    await list.watch()
    await list.until(() => list.rows.get('first')?.status === 'running' || list.rows.get('first')?.status === 'waiting')
    const second = await start('second')
    await list.until(() => list.rows.has('second'))
    await second.signal(Word, 'x')
    await second.result()
    await list.until(() => list.rows.get('second')?.status === 'completed')
    await docket.delete('first')
    await list.until(() => !list.rows.has('first'))
    expect(Object.keys(list.rows.get('second')!)).not.toContain('output')
  })

  test('what a filter finds is shown what leaves that, too', async () => {
    await start('first')
    const list = await page()
    list.send({ type: 'watch', filter: { status: 'running,waiting' } })
    await list.until(() => list.rows.has('first'))
    await docket.cancel('first')
    await list.until(() => !list.rows.has('first'))
  })

  test('an execution is shown what its steps do, whether it began before the page or after it', async () => {
    const before = await start('before')
    const one = await page()
    await one.watch('before')
    await one.until(() => statusOf(one, 'Word') === 'waiting')
    const other = await page()
    const after = await start('after')
    await other.watch('after')
    for (const handle of [before, after]) {
      await handle.signal(Word, 'x')
      await handle.result()
    }
    for (const watching of [one, other]) {
      await watching.until(() => statusOf(watching, 'Answer') === 'completed')
      expect(watching.steps.get('Answer')).toMatchObject({ attempt: 1, dependsOn: ['Word', 'Count'], kind: 'step' })
      // What a step has waited for is not what it waits for.
      await watching.until(() => statusOf(watching, 'Word') === 'completed')
      expect(watching.steps.get('Word')).not.toHaveProperty('waitsFor')
    }
    await docket.delete('before')
    await one.until(() => one.isGone)
    one.steps.clear()
    await start('before')
    await one.until(() => statusOf(one, 'Word') === 'waiting')
  })

  test('an execution of another process is shown it a moment later, by a docket that runs nothing', async () => {
    await using onlooker = createDocket({ graphs: [], store, takeOver: false })
    await using beside = await createInspector({ docket: onlooker })
    const handle = await start('elsewhere')
    const [list, one] = [await page(beside), await page(beside)]
    await list.watch()
    await one.watch('elsewhere')
    await handle.signal(Word, 'x')
    await handle.result()
    await list.until(() => list.rows.get('elsewhere')?.status === 'completed')
    await one.until(() => statusOf(one, 'Answer') === 'completed')
    expect(await list.get('about')).toMatchObject({ isLive: false, store: 'memory', graphs: [] })
  })
})

function pictureOf({ rows }: PageClient): unknown {
  return Object.fromEntries([...rows.values()].map(({ id, status }) => [id, status] as const).toSorted())
}

function isDone({ rows }: PageClient): boolean {
  return [...rows.values()].filter(({ endedAt }) => endedAt !== undefined).length === 15
}

test('a page that comes late, one that was away, and one after a restart have the same picture as one that was there', async () => {
  const handles = await Promise.all(Array.from({ length: 30 }, (_, index) => start(`e${index}`)))
  const [there, away] = [await page(), await page()]
  for (const watching of [there, away]) await watching.watch()
  await there.until(() => there.rows.size === 30)
  away.close()
  for (const handle of handles.slice(0, 10)) await handle.signal(Word, 'x')
  for (const handle of handles.slice(10, 15)) await handle.cancel()
  await Promise.all(handles.slice(0, 10).map((handle) => handle.result()))
  await there.until(() => isDone(there))
  await using restarted = await createInspector({ docket })
  const [late, back, anew] = [await page(), await page(), await page(restarted)]
  for (const watching of [late, back, anew]) {
    await watching.watch()
    await watching.until(() => isDone(watching))
    expect(pictureOf(watching)).toEqual(pictureOf(there))
  }
})

async function opened(): Promise<WebSocket> {
  const { host, origin } = new URL(inspector.url)
  const socket = new WebSocket(`ws://${host}/api/live`, { origin })
  await once(socket, 'open')
  return socket
}

function closed(socket: WebSocket): Promise<number> {
  return new Promise((resolve) => socket.once('close', (code) => resolve(code)))
}

describe('the socket of a page', () => {
  test.each([
    ['the wrong token', JSON.stringify({ type: 'token', token: 'x'.repeat(22) }), 1008],
    ['no token', JSON.stringify({ type: 'watch' }), 1008],
    ['no JSON', 'x', 1007],
    ['JSON without an end to its depth', '['.repeat(10_000), 1007],
    ['a frame that is too long', 'x'.repeat(20_000), 1009],
  ])('is closed by %s, and nothing was sent on it', async (_, text, code) => {
    const socket = await opened()
    const got: unknown[] = []
    socket.on('message', (data) => got.push(data))
    const end = closed(socket)
    socket.send(text)
    expect(await end).toBe(code)
    expect(got).toEqual([])
  })

  test('is closed by a frame that nobody knows, and by bytes', async () => {
    for (const frame of [
      '{"type":"act"}',
      '{"type":"watch","filter":{"x":"y"}}',
      '{"type":"watch","execution":5}',
      Buffer.from('{}'),
    ]) {
      const socket = await opened()
      const end = closed(socket)
      socket.send(JSON.stringify({ type: 'token', token: tokenOf(inspector) }))
      socket.send(frame)
      expect(await end).toBe(1007)
    }
  })
})

test('for a page that never reads nothing is kept, and once it reads it gets a gap in the place of what it missed', async () => {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1', perMessageDeflate: false })
  await once(server, 'listening')
  const [[socket], reader] = await Promise.all([
    once(server, 'connection') as Promise<[WebSocket]>,
    Promise.resolve(new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`)),
  ])
  const got: string[] = []
  reader.on('message', (data: Buffer) => got.push((JSON.parse(data.toString()) as LiveFrame).type))
  await once(reader, 'open')
  reader.pause()
  const connection = new PageConnection(socket, () => 7)
  const text = JSON.stringify({ type: 'rows', seq: 1, rows: ['x'.repeat(100_000)] })
  for (let frame = 0; frame < 300; frame++) {
    connection.send(text)
    expect(socket.bufferedAmount).toBeLessThan(400_000)
    if (frame % 10 === 0) await sleep(1)
  }
  reader.resume()
  while (got.at(-1) !== 'gap') await sleep(5)
  expect(got.length).toBeLessThan(200)
  connection.send(text)
  while (got.at(-1) !== 'rows') await sleep(5)
  // The page notices one that is gone by missing this.
  connection.ping()
  while (got.at(-1) !== 'alive') await sleep(5)
  // One that says nothing for so long is gone.
  reader.pause()
  const end = once(socket, 'close')
  connection.ping()
  connection.ping()
  await end
  reader.terminate()
  server.close()
})

test('a docket that was closed, and a store that can’t be reached, end no process', async () => {
  const own = createDocket({ graphs: [quick], store: sqliteStore(':memory:') })
  await using shown = await createInspector({ docket: own })
  const one = await page(shown)
  await one.watch()
  await own.close()
  await expect(one.get('executions')).rejects.toThrow('503')
  await expect(one.get('fleet')).rejects.toThrow('503')
  expect(one.socket.readyState).toBe(WebSocket.OPEN)
})
