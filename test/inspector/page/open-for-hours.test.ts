import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { openPage, soon, startBrowser } from './browser.ts'
import type { OpenPage } from './browser.ts'
import type { ExecutionRow } from '../../../src/inspector/protocol.ts'
import { FakeServer } from './fake-server.ts'
import { busyWorld } from './worlds.ts'

let browser: Browser

beforeAll(async () => {
  browser = await startBrowser()
})

afterAll(() => browser.close())

async function open(query = ''): Promise<OpenPage & { readonly server: FakeServer }> {
  const server = await new FakeServer(busyWorld()).listen()
  onTestFinished(() => server[Symbol.asyncDispose]())
  return { server, ...(await openPage(browser, server.url(query))) }
}

function runningRow(id: string, createdAt: string): ExecutionRow {
  return { id, graph: 'far', target: 'Far', status: 'running', queue: 'default', createdAt, incompatible: [] }
}

function listsOf({ requests }: FakeServer): number {
  return requests.filter((one) => one.startsWith('/api/executions')).length
}

function isoOf(ms: number): string {
  return new Date(ms).toISOString()
}

test('a server that was started again with the same token may let other acts through: the page says so', async () => {
  const { page, server } = await open()
  await page.getByRole('link', { name: 'Start…' }).waitFor()
  server.down()
  await page.getByText('Reconnecting…').waitFor()
  server.world.about = { ...server.world.about, name: 'another', allowsActions: false }
  server.startAnew()
  await page.getByText('Read-only').waitFor()
  await page.getByText('another', { exact: true }).waitFor()
  await soon(() => page.getByRole('link', { name: 'Start…' }).count()).toBe(0)
})

test('a connection over which nothing comes any more is made anew', async () => {
  const { page, server } = await open()
  await page.getByRole('grid', { name: 'Executions' }).waitFor()
  await page.clock.install()
  const watched = server.watched.length
  for (let times = 0; times < 2; times++) {
    const lists = listsOf(server)
    server.send({ type: 'gap' })
    await soon(() => listsOf(server)).toBeGreaterThan(lists)
    await page.clock.runFor(40_000)
  }
  expect(server.watched.length).toBe(watched)
  await page.clock.runFor(15_000)
  await soon(() => server.watched.length).toBe(watched + 1)
})

test('while the store is away, an execution that is open is shown as it was, and the page says that this may be old', async () => {
  const { page, server } = await open('?execution=ord_running')
  await page.clock.install()
  await page.reload()
  const steps = page.getByRole('grid', { name: 'Steps' })
  await steps.getByRole('row', { name: /^Pack/ }).waitFor()
  const whys = (): number => server.requests.filter((one) => one.startsWith('/api/why')).length
  server.problem = 'the store did not answer'
  await page.clock.runFor(6_000)
  await soon(() => page.getByRole('alert').allTextContents()).toEqual([
    expect.stringMatching(/may be old.*the store did not answer.*tried again by itself/) as string,
  ])
  expect(await steps.getByRole('row', { name: /^Pack/ }).count()).toBe(1)
  server.problem = undefined
  const before = whys()
  await page.clock.runFor(6_000)
  await soon(whys).toBeGreaterThan(before)
  await soon(() => page.getByRole('alert').count()).toBe(0)
})

test('a window that ends now moves on with the time, for as long as the page is open', async () => {
  const { page, server } = await open('?last=15m')
  await page.getByRole('grid', { name: 'Executions' }).waitFor()
  const froms = (): readonly string[] =>
    server.requests.flatMap((one) => new URL(one, 'http://page').searchParams.get('from') ?? [])
  const [first = ''] = froms()
  const later = Date.parse(first) + 60 * 60_000
  await page.clock.setFixedTime(later)
  server.world.rows.splice(0, Infinity, runningRow('new', isoOf(later - 60_000)))
  server.send({ type: 'gap' })
  await page.getByRole('row', { name: /new/ }).waitFor()
  const from = isoOf(Math.floor((later - 15 * 60_000) / 60_000) * 60_000)
  await soon(() => froms().at(-1)).toBe(from)
  await soon(() => server.watched.at(-1)).toEqual({ type: 'watch', filter: { from } })
  await soon(() => page.getByText('1 execution').count()).toBe(1)
})

test('a server that takes its time gets one request at a time, and the newest answer counts', async () => {
  const { page, server } = await open()
  await page.getByRole('grid', { name: 'Executions' }).waitFor()
  const { promise, resolve } = Promise.withResolvers<void>()
  server.held = promise
  const lists = (): number => server.requests.filter((one) => one.startsWith('/api/executions')).length
  const before = lists()
  server.send({ type: 'gap' })
  await soon(lists).toBe(before + 1)
  for (let times = 0; times < 20; times++) server.send({ type: 'gap' })
  server.world.rows.splice(0, Infinity, runningRow('only', isoOf(Date.now())))
  await page.waitForTimeout(200)
  expect(lists()).toBe(before + 1)
  resolve()
  await page.getByText('1 execution').waitFor()
  expect(lists()).toBe(before + 2)
})

test('the end of the list that comes into sight while the list is read again brings the next page', async () => {
  const { page, server } = await open()
  await page.getByText(/^100 executions of/).waitFor()
  const { promise, resolve } = Promise.withResolvers<void>()
  server.held = promise
  const { length } = server.requests
  server.send({ type: 'gap' })
  await soon(() => server.requests.length).toBeGreaterThan(length)
  await page.getByRole('grid', { name: 'Executions' }).focus()
  await page.keyboard.press('End')
  server.held = undefined
  resolve()
  await page.getByText(/^200 executions of/).waitFor()
})

test('what came before a restart of the server counts no more, whatever number it had', async () => {
  const { page, server } = await open('?execution=ord_running')
  const pack = page.getByRole('grid', { name: 'Steps' }).getByRole('row', { name: /^Pack/ })
  await soon(() => server.watched.at(-1)).toMatchObject({ execution: 'ord_running' })
  await pack.waitFor()
  const { promise, resolve } = Promise.withResolvers<void>()
  server.held = promise
  const { length } = server.requests
  server.send({ type: 'gap' })
  await soon(() => server.requests.length).toBeGreaterThan(length)
  const changeTo = (status: string): void =>
    server.send({ type: 'steps', steps: [], changes: [{ step: 'Pack', status, attempt: 1 }] })
  changeTo('retrying')
  await soon(() => pack.textContent()).toContain('Retrying')
  server.down()
  server.held = undefined
  resolve()
  await page.getByText('Reconnecting…').waitFor()
  server.startAnew()
  await page.getByText('Live', { exact: true }).waitFor()
  await soon(() => pack.textContent()).not.toContain('Retrying')
  changeTo('cancelled')
  await soon(() => pack.textContent()).toContain('Cancelled')
})
