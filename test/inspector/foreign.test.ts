import { createWebSocketInspector } from '@statelyai/inspect'
import { createDocket } from 'docket'
import { createInspector } from 'docket/inspector'
import { memoryStore } from 'docket/stores/memory'
import { WebSocket } from 'ws'
import { expect, test, vi } from 'vitest'
import { assign, createActor, createMachine } from 'xstate'
import type { ForeignActors } from '../../src/inspector/protocol.ts'
import { expectNoUnhandledErrors } from '../loose-api.ts'
import { tokenOf } from './inspected-docket.ts'
import { PageClient } from './page-client.ts'

expectNoUnhandledErrors()

const door = createMachine({
  id: 'door',
  initial: 'closed',
  context: { opened: 0 },
  states: {
    closed: {
      on: { OPEN: { target: 'open', actions: assign({ opened: ({ context }) => Number(context['opened']) + 1 }) } },
    },
    open: { on: { CLOSE: 'closed' } },
  },
})

test('the actors of a program that uses the stock inspector are shown in their last state, and stay when it is gone', async () => {
  await using docket = createDocket({ graphs: [], store: memoryStore(), takeOver: false })
  await using inspector = await createInspector({ docket, ingest: true })
  const page = await PageClient.open(inspector)
  const seen = (): Promise<ForeignActors> => page.get('foreign')
  expect(await seen()).toEqual({ actors: [], seq: 0 })
  const stock = createWebSocketInspector({ url: inspector.ingestUrl! })
  const actor = createActor(door, { id: 'front door', inspect: stock.inspect }).start()
  actor.send({ type: 'OPEN' })
  await page.until(() => page.frames.some(({ type }) => type === 'foreign'))
  while ((await seen()).chosen?.value !== 'open') await new Promise((resolve) => setTimeout(resolve, 10))
  const { chosen: shown, actors: listed } = await seen()
  expect(listed).toMatchObject([{ name: 'front door', isMachine: true }])
  expect(listed[0]).not.toHaveProperty('definition')
  expect(shown).toMatchObject({
    name: 'front door',
    status: 'active',
    isConnected: true,
    definition: { id: 'door', initial: 'closed' },
  })
  expect(JSON.parse(shown!.context!)).toEqual({ opened: 1 })
  expect(shown!.events.map(({ type }) => type)).toContain('OPEN')
  stock.stop()
  while ((await seen()).actors[0]?.isConnected !== false) await new Promise((resolve) => setTimeout(resolve, 10))
  expect((await seen()).actors).toHaveLength(1)
  actor.stop()
  page.close()
})

test('what programs report of actors by hand, with the stock inspector, is shown, also of one that they never announced', async () => {
  await using docket = createDocket({ graphs: [], store: memoryStore(), takeOver: false })
  await using inspector = await createInspector({ docket, ingest: true })
  const page = await PageClient.open(inspector)
  const stock = createWebSocketInspector({ url: inspector.ingestUrl! })
  // It leaves out root and parent of all of these.
  stock.actor('announced', { context: { left: 1 } })
  stock.event('announced', { type: 'GO' })
  stock.snapshot('announced', { status: 'done', context: { left: 0 } })
  stock.snapshot('unannounced', { context: {} })
  const seen = async () => (await page.get<ForeignActors>('foreign')).actors
  while ((await seen()).length < 2) await new Promise((resolve) => setTimeout(resolve, 10))
  while ((await seen())[0]?.status !== 'done') await new Promise((resolve) => setTimeout(resolve, 10))
  expect((await seen()).map(({ id, status }) => [id, status])).toEqual([
    ['1/announced', 'done'],
    ['1/unannounced', 'active'],
  ])
  stock.stop()
  page.close()
})

test('what programs send is bounded, and may be anything', async () => {
  await using docket = createDocket({ graphs: [], store: memoryStore(), takeOver: false })
  await using inspector = await createInspector({ docket, ingest: true })
  const page = await PageClient.open(inspector)
  const socket = new WebSocket(inspector.ingestUrl!)
  await new Promise((resolve) => socket.once('open', resolve))
  const frames: unknown[] = [
    'x',
    '{',
    '[]',
    '{"type":5}',
    Buffer.from('bytes'),
    `${'['.repeat(10_000)}`,
    JSON.stringify({ type: '@xstate.actor', sessionId: { a: 1 } }),
    JSON.stringify({ type: '@xstate.none', sessionId: 'none' }),
  ]
  for (let index = 0; index < 1_500; index++)
    frames.push(
      JSON.stringify({
        type: '@xstate.actor',
        sessionId: `x:${index}`,
        parentId: `x:${1_499 - index}`,
        name: 'n'.repeat(500),
        snapshot: {
          status: 'active',
          value: { deep: 'x'.repeat(11_000) },
          context: { big: 'c'.repeat(index === 1_499 ? 100_000 : 10) },
        },
      }),
    )
  const read = (): Promise<ForeignActors> => page.get('foreign')
  for (const frame of frames.splice(0, 8)) socket.send(frame as string)
  socket.send(frames[0] as string)
  while ((await read()).seq === 0) await new Promise((resolve) => setTimeout(resolve, 10))
  expect((await read()).actors).toHaveLength(1)
  const areShown = async (from: number, to: number): Promise<boolean> => {
    const shown = new Set((await read()).actors.map(({ id }) => id.slice(id.lastIndexOf('/') + 1)))
    return Array.from({ length: to - from }, (_, index) => `x:${from + index}`).every((id) => shown.has(id))
  }
  for (let from = 0; from < frames.length; from += 100)
    do {
      // What comes too fast for a busy machine is left out, and comes again.
      for (const frame of frames.slice(from, from + 100)) socket.send(frame as string)
      await vi.waitFor(async () => expect(await areShown(from, from + 100)).toBe(true), 1_000).catch(() => undefined)
    } while (!(await areShown(from, from + 100)))
  const { actors } = await read()
  expect(actors).toHaveLength(1_000)
  const last = actors.find(({ id }) => id.endsWith('/x:1499'))!
  const { chosen } = await page.get<ForeignActors>(`foreign?id=${encodeURIComponent(last.id)}`)
  expect(Math.max(...actors.map(({ name }) => name.length))).toBe(200)
  expect(chosen).toMatchObject({ id: last.id, name: last.name })
  expect(chosen!.context).toHaveLength(64 * 1024)
  expect(chosen).not.toHaveProperty('value')
  // However much there is of the others, the list is short.
  expect(JSON.stringify(actors).length).toBeLessThan(1_000 * 500)
  // It can send, and see nothing.
  const got: unknown[] = []
  socket.on('message', (data) => got.push(data))
  socket.send(JSON.stringify({ type: 'token', token: tokenOf(inspector) }))
  const end = new Promise((resolve) => socket.once('close', resolve))
  socket.send('x'.repeat(5_000_000))
  expect(await end).toBe(1009)
  expect(got).toEqual([])
  page.close()
})

test('a program that sends too much is left out in part, which is counted, and another one is shown meanwhile', async () => {
  await using docket = createDocket({ graphs: [], store: memoryStore(), takeOver: false })
  await using inspector = await createInspector({ docket, ingest: true })
  const page = await PageClient.open(inspector)
  const read = (): Promise<ForeignActors> => page.get('foreign')
  const [flooding, quiet] = [new WebSocket(inspector.ingestUrl!), new WebSocket(inspector.ingestUrl!)]
  await Promise.all([flooding, quiet].map((socket) => new Promise((resolve) => socket.once('open', resolve))))
  flooding.on('error', () => undefined)
  const context = Array.from({ length: 200_000 }, () => [])
  const frame = JSON.stringify({ type: '@xstate.snapshot', sessionId: 'x:0', snapshot: { status: 'active', context } })
  for (let index = 0; index < 300; index++) flooding.send(frame)
  quiet.send(JSON.stringify({ type: '@xstate.actor', sessionId: 'x:1', name: 'quiet' }))
  while (!(await read()).actors.some(({ name }) => name === 'quiet'))
    await new Promise((resolve) => setTimeout(resolve, 10))
  while ((await read()).leftOut === undefined) await new Promise((resolve) => setTimeout(resolve, 10))
  for (const socket of [flooding, quiet]) socket.terminate()
  page.close()
})

test.each([
  ['without ingest', false, (url: string) => url],
  ['with another token', true, (url: string) => url.slice(0, -1) + (url.endsWith('_') ? '-' : '_')],
  ['with the token for reading', true, (url: string, token: string) => url.replace(/[\w-]+$/, token)],
])('nobody may send %s', async (_, ingest, pathOf) => {
  await using docket = createDocket({ graphs: [], store: memoryStore(), takeOver: false })
  await using inspector = await createInspector({ docket, ingest })
  const { host } = new URL(inspector.url)
  const url = inspector.ingestUrl ?? `ws://${host}/ingest/${'x'.repeat(22)}`
  const socket = new WebSocket(pathOf(url, tokenOf(inspector)))
  const failure = await new Promise<Error>((resolve) => socket.once('error', resolve))
  expect(failure.message).toMatch(/403|404/)
})
