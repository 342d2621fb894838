import { gzipSync } from 'node:zlib'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { pageFile } from '../../../src/inspector/page-file.ts'
import { barriersOf, keepPicture, openPage, soon, startBrowser } from './browser.ts'
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
  change: (server: FakeServer) => void = () => {},
): Promise<OpenPage & { readonly server: FakeServer }> {
  const server = await new FakeServer(busyWorld()).listen()
  onTestFinished(() => server[Symbol.asyncDispose]())
  change(server)
  return { server, ...(await openPage(browser, server.url(query))) }
}

test('an act on several executions is confirmed first, and comes to one outcome for each', async () => {
  const { page, server } = await open()
  await page.getByRole('grid').focus()
  for (let row = 0; row < 5; row++) {
    await page.keyboard.press('ArrowDown')
    await page.keyboard.press('Space')
  }
  await page.getByText('5 executions chosen').waitFor()
  await page.getByRole('button', { name: 'Cancel…' }).click()
  expect(server.acts).toEqual([])
  expect(await barriersOf(page)).toEqual([])
  await page.getByRole('button', { name: 'Cancel 5 executions' }).click()
  await page.getByText('4 done').waitFor()
  await page.getByText('it has ended').waitFor()
  expect(await page.getByRole('dialog').getByRole('row').count()).toBe(6)
  const ids = server.world.rows.slice(0, 5).map(({ id }) => id)
  expect(server.acts).toEqual([{ act: 'cancel', ids }])
  await keepPicture(page, 'outcomes')
  await page.keyboard.press('Escape')
  expect(await page.getByRole('dialog').count()).toBe(0)
})

test('what a filter finds is acted on as a whole', async () => {
  const { page, server } = await open('?status=failed&graph=orders')
  await page.getByRole('button', { name: /^Act on all/ }).click()
  await page.getByRole('button', { name: 'Retry…' }).click()
  await page.getByRole('button', { name: /^Retry \d+ executions/ }).click()
  await page.getByText('1 done').waitFor()
  expect(server.acts).toEqual([{ act: 'retry', filter: { status: 'failed', graph: 'orders' }, most: 10_000 }])
})

test('where acts are not let through there are none, and the page says so', async () => {
  const { page, server } = await open('?execution=ord_waiting&step=Approval', ({ world }) => {
    world.about = { ...world.about, allowsActions: false }
  })
  await page.getByText('Read-only', { exact: true }).waitFor()
  await page.getByText('acts are switched off').waitFor()
  const acts = page.getByRole('button', { name: /…$/ })
  expect(await acts.count()).toBe(0)
  await page.getByRole('link', { name: 'Fleet' }).click()
  await page.getByText('Read-only: queues and schedules').waitFor()
  expect(await acts.count()).toBe(0)
  await page.goto(server.url('?view=start'))
  await page.getByText('Nothing can be started here').waitFor()
  await page.getByRole('link', { name: 'Docket' }).click()
  await page.getByRole('grid').waitFor()
  expect(await page.getByRole('checkbox').count()).toBe(0)
})

test('a start begins with examples, says what is no JSON, and leaves out what is optional', async () => {
  const { page, server } = await open('?view=start&graph=orders')
  const order = page.getByRole('textbox', { name: 'Order' })
  await soon(() => order.inputValue()).toContain('"items"')
  await order.fill('{ "id": ')
  await page.getByRole('button', { name: 'Start', exact: true }).click()
  await page.getByRole('alert').waitFor()
  expect(server.acts).toEqual([])
  await order.fill('{ "id": "ord_2" }')
  await page.getByRole('button', { name: 'Start', exact: true }).click()
  await soon(() => page.url()).toContain('execution=ord_running')
  expect(server.acts).toEqual([
    { act: 'start', graph: 'orders', target: 'Shipment', inputs: { Order: { id: 'ord_2' } } },
  ])
})

const iso = (local: string): string => new Date(local).toISOString()

test('the fleet says how the store and the engine do, and what others have declared instead', async () => {
  const { page, server } = await open('?view=fleet')
  const health = page.getByRole('region', { name: 'Health' })
  await soon(() => health.textContent()).toMatch(/Store: postgres4 ms.*Engine: bullmqAway/)
  for (const note of ['can’t reach redis at 10.0.3.4', 'concurrency 4 is declared in version 7'])
    expect(await health.textContent()).toContain(note)
  const { storeMs: _, engine: __, ...others } = server.world.fleet.health
  server.world.fleet = { ...server.world.fleet, health: { ...others, problems: ['the store did not answer'] } }
  await soon(() => health.textContent()).toContain('Store: postgresNo answer')
  expect(await health.textContent()).not.toContain('Engine')
})

test('queues are paused, and schedules triggered and backfilled, from the fleet', async () => {
  const { page, server } = await open('?view=fleet')
  await page.getByRole('row', { name: /^bulk/ }).getByRole('button', { name: 'Pause…' }).click()
  await page.getByRole('button', { name: 'Pause', exact: true }).click()
  await page.getByText('1 done').waitFor()
  await page.keyboard.press('Escape')
  await page
    .getByRole('row', { name: /^cleanup/ })
    .getByRole('button', { name: 'Backfill…' })
    .click()
  await page.getByLabel('From').fill('2026-11-01T00:00')
  await page.getByLabel('Until').fill('2026-10-01T00:00')
  await page.getByRole('button', { name: 'Backfill', exact: true }).click()
  await page.getByText('must be after the first').waitFor()
  await page.getByLabel('Until').fill('2026-11-02T00:00')
  await page.getByRole('button', { name: 'Backfill', exact: true }).click()
  await page.getByText('1 done').waitFor()
  expect(server.acts).toEqual([
    { act: 'pauseQueue', queue: 'bulk' },
    { act: 'backfillSchedule', schedule: 'cleanup', from: iso('2026-11-01T00:00'), to: iso('2026-11-02T00:00') },
  ])
})

test('a timer is moved to another time', async () => {
  const { page, server } = await open('?execution=ord_waiting&step=Approval', ({ world }) => {
    const view = world.views.get('ord_waiting')!
    const steps = view.steps.map((step) => (step.step === 'Approval' ? { ...step, kind: 'timer' } : step))
    world.views.set('ord_waiting', { ...view, steps })
  })
  await page.getByRole('button', { name: 'Reschedule…' }).click()
  await page.getByLabel('Time here').fill('2027-01-01T12:00:00')
  await page.getByRole('button', { name: 'Reschedule', exact: true }).click()
  await page.getByText('1 done').waitFor()
  const at = new Date('2027-01-01T12:00:00').toISOString()
  expect(server.acts).toEqual([{ act: 'reschedule', id: 'ord_waiting', timer: 'Approval', at }])
})

test('items of a batch, and steps that are alike, are one box with counts, which opens to each of them', async () => {
  const { page } = await open('?execution=batch')
  await page.getByRole('application', { name: /^Graph of 3 boxes and 2 arrows/ }).focus()
  await page.keyboard.press('ArrowRight')
  await page.keyboard.press('ArrowRight')
  const detail = page.getByRole('complementary')
  await soon(() => detail.textContent()).toContain('Resize × 400')
  await detail.getByRole('button', { name: '3 failed' }).click()
  await detail.getByRole('row', { name: /img-353/ }).click()
  await soon(() => detail.textContent()).toContain('Item img-353')
  await page.goto(page.url().replace(/\?.*/, '?execution=fan'))
  await page.getByRole('application', { name: /^Graph of 3 boxes/ }).focus()
  await page.keyboard.press('ArrowRight')
  await page.keyboard.press('ArrowRight')
  await soon(() => detail.textContent()).toContain('Fetch page … × 60')
  await keepPicture(page, 'folded')
  await detail.getByRole('button', { name: 'Unfold in the graph' }).click()
  await page.getByRole('application', { name: /^Graph of 62 boxes/ }).waitFor()
})

test('the graph is zoomed by its buttons and by keys, dragged, and clicked', async () => {
  const { page } = await open('?execution=ord_running')
  const graph = page.getByRole('application')
  const picture = (): Promise<string> =>
    page.evaluate<string>('document.querySelector(".graph-space canvas").toDataURL()')
  await graph.waitFor()
  let before = await picture()
  const changed = async (): Promise<void> => {
    await soon(async () => (await picture()) !== before).toBe(true)
    before = await picture()
  }
  await page.getByRole('button', { name: 'Nearer' }).click()
  await changed()
  await page.getByRole('button', { name: 'Fit' }).click()
  await changed()
  await graph.press('+')
  await changed()
  expect(page.url()).not.toContain('step=')
  const { x, y, width, height } = (await graph.boundingBox())!
  await page.mouse.move(x + width / 2, y + height - 60)
  await page.mouse.down()
  await page.mouse.move(x + width / 2 + 80, y + height - 90, { steps: 3 })
  await page.mouse.up()
  await changed()
  expect(page.url()).not.toContain('step=')
  await graph.press('0')
  await changed()
  await page.mouse.wheel(0, -400)
  await changed()
  await graph.press('0')
  await changed()
  for (let at = 20; at < width && !page.url().includes('step='); at += 60)
    await page.mouse.click(x + at, y + height / 2)
  expect(page.url()).toContain('step=')
})

test('ten thousand steps are a few elements and one canvas, that stays as it is while all of them change', async () => {
  const { page, server, errors } = await open('?execution=many')
  const graph = page.getByRole('application', { name: /^Graph of 10000|^Graph of 10,000/ })
  await graph.waitFor()
  const elements = (): Promise<number> => page.evaluate<number>('document.querySelectorAll("*").length')
  const before = await elements()
  expect(before).toBeLessThan(600)
  await keepPicture(page, 'ten-thousand-graph')
  const steps = server.world.views.get('many')!.steps
  for (const status of ['running', 'failed', 'completed'])
    for (let from = 0; from < steps.length; from += 1_000)
      server.send({
        type: 'steps',
        steps: [],
        changes: steps.slice(from, from + 1_000).map(({ step }) => ({ step, status, attempt: 2 })),
      })
  await page.getByRole('button', { name: '10,000 completed' }).waitFor()
  expect(Math.abs((await elements()) - before)).toBeLessThan(50)
  await page.getByRole('searchbox', { name: 'Search steps' }).fill('step olf')
  await page.getByText('1 of 10,000 steps').waitFor()
  await page.getByRole('button', { name: 'Timeline' }).click()
  await page.getByRole('application', { name: /^Timeline of 1 step/ }).waitFor()
  await keepPicture(page, 'ten-thousand')
  expect(errors).toEqual([])
})

test('a page that is open over 160,000 events of 10,000 steps keeps no more than it did after the first of them', async () => {
  const { page, server, errors } = await open('?execution=many')
  await page.getByRole('application', { name: /^Graph of 10,?000/ }).waitFor()
  const debug = await page.context().newCDPSession(page)
  const heap = async (): Promise<number> => {
    await debug.send('HeapProfiler.collectGarbage')
    const { usedSize } = await debug.send('Runtime.getHeapUsage')
    return usedSize
  }
  const steps = server.world.views.get('many')!.steps
  const send = (attempt: number): void => {
    const changes = steps.map(({ step }) => ({
      step,
      status: attempt % 2 === 0 ? 'failed' : 'running',
      attempt,
      error: { name: 'Error', message: `try ${attempt} of ${step} came to nothing` },
    }))
    // What a page gets that requests everything meanwhile.
    const now = steps.map((step, index) => ({ ...step, ...changes[index]! }))
    server.world.views.set('many', { ...server.world.views.get('many')!, steps: now })
    for (let from = 0; from < steps.length; from += 1_000)
      server.send({ type: 'steps', steps: [], changes: changes.slice(from, from + 1_000) })
  }
  const heapAfter = async (first: number, last: number, word: string): Promise<number> => {
    for (let attempt = first; attempt <= last; attempt++) send(attempt)
    await page.getByRole('button', { name: `10,000 ${word}` }).waitFor({ timeout: 60_000 })
    return heap()
  }
  const before = await heapAfter(1, 4, 'failed')
  await heapAfter(5, 15, 'running')
  await heapAfter(16, 16, 'failed')
  // What is on its way to the page for a moment yet is not kept.
  await expect.poll(async () => (await heap()) - before, { timeout: 20_000 }).toBeLessThan(4 * 1024 * 1024)
  expect(errors).toEqual([])
}, 120_000)

test('the statechart of a step shows the states that it is in, as a picture and as a table', async () => {
  const { page } = await open('?execution=ord_running&step=Pack')
  await soon(() => page.getByRole('complementary').textContent()).toContain('In state packing.boxing')
  expect(await page.locator('.machine-space .state.is-active').count()).toBe(2)
  await page.getByText('States and transitions as a table').first().click()
  await page
    .getByRole('row', { name: 'packing.boxing (first) in it printLabel done → labelled printLabel failed → missing' })
    .waitFor()
})

test('the page is one file of at most 60 kB gzipped that names nothing elsewhere', async () => {
  const { html, policy } = await pageFile()
  expect(gzipSync(html, { level: 9 }).byteLength).toBeLessThanOrEqual(60_000)
  expect(html.match(/<(?:script|link|img|iframe)\b[^>]*\b(?:src|href)="(?!data:)/g)).toBeNull()
  expect(policy).toMatch(
    /^default-src 'none'; script-src 'sha256-[^']+'; style-src 'sha256-[^']+'; connect-src 'self';/,
  )
  expect(policy).not.toMatch(/unsafe|\*/)
})
