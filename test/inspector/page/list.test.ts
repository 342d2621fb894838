import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import type { ExecutionRow } from '../../../src/inspector/protocol.ts'
import { keepPicture, openPage, soon, startBrowser } from './browser.ts'
import type { OpenPage } from './browser.ts'
import { FakeServer } from './fake-server.ts'
import { busyWorld } from './worlds.ts'

let browser: Browser

beforeAll(async () => {
  browser = await startBrowser()
})

afterAll(() => browser.close())

async function open(
  query = '',
  options: Parameters<typeof openPage>[2] = {},
): Promise<OpenPage & { readonly server: FakeServer }> {
  const server = await new FakeServer(busyWorld()).listen()
  onTestFinished(() => server[Symbol.asyncDispose]())
  return { server, ...(await openPage(browser, server.url(query), options)) }
}

const failedChip = /^Failed/

test('what is filtered stands in the address: failed ones alone are one click away', async () => {
  const { page, server, errors, origins } = await open()
  await page.getByRole('button', { name: failedChip }).click()
  await soon(() => page.url()).toContain('status=failed')
  await soon(() => page.locator('.list-body .is-completed').count()).toBe(0)
  await soon(() => page.locator('.list-body .is-failed').count()).toBeGreaterThan(10)
  await page.getByLabel('Error code').fill('STEP_TIMEOUT')
  await page.getByLabel('Error code').press('Enter')
  await page.getByLabel('Created').selectOption('6h')
  await soon(() => page.url()).toContain('last=6h')
  const address = page.url()
  await expect
    .poll(() => server.requests.some((one) => /executions.*from=.*errorCode=STEP_TIMEOUT/.test(one)))
    .toBe(true)
  await page.reload()
  await soon(() => page.getByLabel('Error code').inputValue()).toBe('STEP_TIMEOUT')
  expect(await page.getByRole('button', { name: failedChip }).getAttribute('aria-pressed')).toBe('true')
  expect(page.url()).toBe(address)
  await page.goBack()
  await soon(() => page.url()).not.toContain('last=')
  await keepPicture(page, 'list')
  expect(errors).toEqual([])
  expect([...origins]).toEqual([new URL(server.url()).origin])
})

test('a list of a thousand rows is drawn as far as it is seen, and loads its pages while it is scrolled', async () => {
  const { page, server } = await open()
  const list = page.getByRole('grid', { name: 'Executions' })
  await page.getByText('100 executions of 1,240').waitFor()
  await list.focus()
  await page.keyboard.press('End')
  await page.getByText('200 executions of 1,240').waitFor()
  expect(await list.getByRole('row').count()).toBeLessThan(60)
  expect(server.requests.filter((one) => one.includes('after=')).length).toBeLessThan(4)
})

test.each([770, 900, 1280, 1600])(
  'a window that is %i pixels wide has every column of the list in it, and the last one has the most room',
  async (width) => {
    const { page } = await open('?status=failed', { viewport: { width, height: 700 } })
    await page.locator('.list-body .is-failed').first().waitFor()
    const edges = await page.evaluate<readonly (readonly [left: number, right: number])[]>(
      `[...document.querySelectorAll('.list-space .list-row')][0].querySelectorAll('.cell').values().map((cell) => {
      const { left, right } = cell.getBoundingClientRect()
      return [left, right]
    }).toArray()`,
    )
    const [left, right] = edges.at(-1)!
    expect(right).toBeLessThanOrEqual(width)
    expect(right - left).toBeGreaterThanOrEqual(width >= 1280 ? width / 4 : 110)
    expect(Math.max(...edges.slice(0, -1).map((edge) => edge[1]))).toBeLessThanOrEqual(left)
    await keepPicture(page, `list-${width}`)
  },
)

test('of a queue with a key, it is the key that is cut where there is no room for both', async () => {
  const { page } = await open()
  await page.locator('.c-queue .quiet').first().waitFor()
  const cut = await page.evaluate<readonly string[]>(
    `[...document.querySelectorAll('.list-body .c-queue > .name:first-child')].filter((name) => name.scrollWidth > name.clientWidth).map((name) => name.textContent)`,
  )
  expect(cut).toEqual([])
})

function farRow(index: number): ExecutionRow {
  return {
    id: `far-${String(index).padStart(3, '0')}`,
    graph: 'orders',
    target: 'Shipment',
    status: 'running',
    queue: 'default',
    createdAt: new Date(Date.UTC(2026, 0, 2) - index * 1_000).toISOString(),
    incompatible: [],
  }
}

test('rows behind the first page are looked at again as long as they have not ended', async () => {
  const { page, server } = await open()
  await page.getByRole('grid', { name: 'Executions' }).waitFor()
  server.world.rows.splice(0, Infinity, ...Array.from({ length: 300 }, (_, index) => farRow(index)))
  server.send({ type: 'gap' })
  await page.getByText('100 executions of 300').waitFor()
  await page.getByRole('grid').focus()
  for (let pages = 0; pages < 3; pages++) await page.keyboard.press('End')
  await soon(async () => (await page.keyboard.press('End'), page.locator('.list-foot').textContent())).toContain(
    '300 executions',
  )
  // The last of these may have come after the key.
  await soon(async () => (await page.keyboard.press('End'), page.getByText('far-299').count())).toBe(1)
  server.world.rows.splice(299, 1, { ...farRow(299), status: 'failed', endedAt: farRow(0).createdAt })
  server.world.rows.splice(297, 1)
  await soon(async () => {
    server.send({ type: 'gap' })
    return page.getByRole('row', { name: /far-299/ }).textContent()
  }).toContain('Failed')
  await soon(() => page.getByText('far-297').count()).toBe(0)
  await page.getByText('far-298').waitFor()
})

test('what few wait for is looked for among all, page by page, and stays in the list', async () => {
  const { page, server } = await open()
  await page.getByRole('grid', { name: 'Executions' }).waitFor()
  for (const index of [740, 1_230]) server.world.rows[index] = { ...farRow(index), id: `rare-${index}`, key: 'Rare' }
  await page.getByLabel('Waits for').fill('Rare')
  await page.getByLabel('Waits for').press('Enter')
  await page.getByText('rare-740').waitFor()
  await page.getByText('rare-1230').waitFor()
  const before = server.requests.length
  server.send({ type: 'gap' })
  await soon(
    () => server.requests.slice(before).filter((one) => one.startsWith('/api/executions')).length,
  ).toBeGreaterThan(0)
  await page.getByText('2 executions').waitFor()
  await page.getByLabel('Waits for').fill('Nobody')
  await page.getByLabel('Waits for').press('Enter')
  await page.getByText('No execution matches these filters').waitFor()
  server.world.rows = Array.from({ length: 5_000 }, (_, index) => ({
    ...farRow(index),
    ...(index % 2_400 === 2_300 && { key: 'Far' }),
  }))
  await page.getByLabel('Waits for').fill('Far')
  await page.getByLabel('Waits for').press('Enter')
  await page.getByText('None yet among those that were looked through').waitFor()
  await page.getByRole('button', { name: 'Look further' }).click()
  await page.getByText('far-2300').waitFor()
  await page.locator('.list-foot').getByRole('button', { name: 'Look further' }).click()
  await page.getByText('far-4700').waitFor()
})
