import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { barriersOf, keepPicture, openPage, soon, startBrowser } from './browser.ts'
import type { OpenPage } from './browser.ts'
import { FakeServer } from './fake-server.ts'
import { hostileNames } from './hard-plans.ts'
import { busyWorld } from './worlds.ts'

let browser: Browser

beforeAll(async () => {
  browser = await startBrowser()
})

afterAll(() => browser.close())

async function serve(): Promise<FakeServer> {
  const server = await new FakeServer(busyWorld()).listen()
  onTestFinished(() => server[Symbol.asyncDispose]())
  return server
}

type Options = Parameters<typeof openPage>[2]

async function open(query = '', options: Options = {}): Promise<OpenPage & { readonly server: FakeServer }> {
  const server = await serve()
  return { server, ...(await openPage(browser, server.url(query), options)) }
}

test('the token is taken out of the address, and kept for reloads; without one the page says what to do', async () => {
  const { page, server } = await open('?view=fleet')
  await page.getByRole('heading', { name: 'Queues' }).waitFor()
  expect(page.url()).not.toContain('token')
  await page.reload()
  await page.getByRole('heading', { name: 'Queues' }).waitFor()
  const stranger = await openPage(browser, server.url().replace(/#.*/, '#token=wrong'))
  await stranger.page.getByText('did not accept the token').waitFor()
  await stranger.page.getByLabel('Address that the process printed').fill(server.url())
  await stranger.page.getByRole('button', { name: 'Open' }).click()
  await stranger.page.getByRole('grid', { name: 'Executions' }).waitFor()
})

test('a server that was started again has another token: the page requests that, and tries the old one no more', async () => {
  const { page, server } = await open()
  await soon(() => server.pages).toBe(1)
  server.token = 'another-token-of-the-page'
  server.down()
  await page.getByText('Reconnecting…').waitFor()
  server.up()
  await page.getByText('did not accept the token').waitFor()
  await soon(() => server.pages).toBe(0)
  await page.getByLabel('Address that the process printed').fill(server.token)
  await page.getByRole('button', { name: 'Open' }).click()
  await page.getByRole('grid', { name: 'Executions' }).waitFor()
  await soon(() => server.pages).toBe(1)
})

test('a server of another version brings its own page: the open one is loaded again where it was, with the token that it has', async () => {
  const { page, server, errors } = await open('?execution=ord_running')
  await soon(() => server.pages).toBe(1)
  await page.evaluate('window.isOld = true')
  server.down()
  await page.getByText('Reconnecting…').waitFor()
  server.world.about = { ...server.world.about, version: '0.2.0' }
  server.up()
  await soon(() => page.evaluate<boolean>('window.isOld !== true')).toBe(true)
  await page.getByRole('grid', { name: 'Steps' }).waitFor()
  expect(page.url()).toContain('execution=ord_running')
  await soon(() => server.pages).toBe(1)
  server.down()
  await page.getByText('Reconnecting…').waitFor()
  await page.evaluate('window.isOld = true')
  server.up()
  await page.getByText('Live', { exact: true }).waitFor()
  expect(await page.evaluate<boolean>('window.isOld')).toBe(true)
  expect(errors).toEqual([])
})

test('the keyboard alone opens an execution, walks its graph, finds a step, and goes back', async () => {
  const { page, server } = await open()
  server.world.rows.unshift({ ...server.world.rows[0]!, id: 'ord_running' })
  await page.reload()
  const list = page.getByRole('grid', { name: 'Executions' })
  await list.focus()
  await page.keyboard.press('ArrowDown')
  await page.keyboard.press('ArrowDown')
  await page.keyboard.press('ArrowUp')
  await page.keyboard.press('Enter')
  await soon(() => page.url()).toContain('execution=ord_running')
  const graph = page.getByRole('application')
  await graph.focus()
  expect(await page.evaluate<string>('getComputedStyle(document.activeElement).outlineStyle')).toBe('solid')
  await page.keyboard.press('ArrowRight')
  await soon(() => page.url()).toContain('step=FetchCustomer')
  await page.keyboard.press('ArrowRight')
  await soon(() => page.url()).toContain('step=PriceOrder')
  await page.keyboard.press('Enter')
  await soon(() => page.evaluate<string>('document.activeElement.id')).toBe('detail')
  await page.keyboard.press('/')
  await page.keyboard.type('charge')
  await page.getByText('1 of 9 steps').waitFor()
  await page.keyboard.press('Escape')
  await page.keyboard.press('Escape')
  await soon(() => page.url()).not.toContain('execution=')
})

test('hostile names are text: nothing of them runs, turns the page, or pushes others out of it', async () => {
  const { page, server, errors } = await open('?execution=hostile')
  server.world.rows.unshift(
    ...hostileNames.map((name, index) => ({
      ...server.world.rows[index]!,
      id: name,
      graph: name,
      target: name,
      queue: name,
      key: name,
      status: index % 2 === 0 ? 'failed' : name,
      error: { name, message: name, code: name },
    })),
  )
  server.world.why = () => hostileNames.join('\n')
  for (const name of hostileNames) {
    await page
      .getByRole('grid', { name: 'Steps' })
      .getByRole('row')
      .nth(hostileNames.indexOf(name) + 1)
      .click()
    await page.getByRole('complementary').getByRole('heading', { level: 2 }).waitFor()
  }
  await keepPicture(page, 'hostile')
  expect(await page.getByText(String.raw`\u001b[2J`).count()).toBeGreaterThan(0)
  expect(await page.getByText(String.raw`\u202etxt.exe`).count()).toBeGreaterThan(0)
  await page.getByRole('button', { name: 'Timeline' }).click()
  await page.getByRole('link', { name: 'Docket' }).click()
  await page.getByText('<img src=x').first().waitFor()
  expect(await page.locator('.list-body bdi').count()).toBeGreaterThan(20)
  const found = await page.evaluate<unknown>(`({
    hacked: 'hacked' in window,
    images: document.querySelectorAll('img, script[src], iframe').length,
    isWider: document.documentElement.scrollWidth > innerWidth,
    isOut: [...document.querySelectorAll('.list-row .cell')].some((cell) => cell.getBoundingClientRect().right > innerWidth + 1),
  })`)
  expect(found).toEqual({ hacked: false, images: 0, isWider: false, isOut: false })
  expect(errors).toEqual([])
})

const phone = { width: 400, height: 800 }
const views = [
  ['the list', '', {}],
  ['the list on a phone in the dark', '', { colorScheme: 'dark', viewport: phone }],
  ['a failed execution', '?execution=ord_failed&step=ChargeCard', {}],
  [
    'a failed execution on a phone in the dark',
    '?execution=ord_failed&tab=steps',
    { colorScheme: 'dark', viewport: phone },
  ],
  ['an execution that has not begun', '?execution=planned', {}],
  ['a timeline in the dark', '?execution=ord_running&tab=timeline&step=Pack', { colorScheme: 'dark' }],
  ['values and history', '?execution=ord_failed&tab=more', {}],
  ['a mailbox', '?execution=ord_waiting&tab=more', {}],
  ['a mailbox on a phone in the dark', '?execution=ord_waiting&tab=more', { colorScheme: 'dark', viewport: phone }],
  ['a hostile mailbox', '?execution=hostile&tab=more', {}],
  ['a batch', '?execution=batch&step=Resize', {}],
  ['the fleet on a phone in the dark', '?view=fleet', { colorScheme: 'dark', viewport: phone }],
  ['a start', '?view=start', {}],
  ['machines of others', '?view=machines', {}],
] as const satisfies readonly (readonly [string, string, Options])[]

test.each(views)(
  'axe-core finds nothing serious or critical in %s; it is not wider than its window, and moves nothing where motion is reduced',
  async (name, query, options) => {
    const { page, errors } = await open(query, { ...options, reducedMotion: 'reduce' })
    await page.locator('.list, .card, form, .machine-space').first().waitFor({ state: 'attached' })
    expect(await barriersOf(page)).toEqual([])
    expect(await page.evaluate<number>('document.documentElement.scrollWidth - innerWidth')).toBeLessThanOrEqual(0)
    expect(await page.evaluate<number>('document.getAnimations().length')).toBe(0)
    await keepPicture(page, name.replaceAll(' ', '-'))
    expect(errors).toEqual([])
  },
)

test('an execution that has not begun has run for no time', async () => {
  const { page } = await open('?execution=planned')
  await page.getByText('Not begun for').waitFor()
  expect(await page.getByText('Running for').count()).toBe(0)
})

test('a mailbox is read a page at a time', async () => {
  const { page, server, errors } = await open('?execution=ord_waiting&tab=more')
  const mailbox = page.getByRole('group', { name: 'Mailbox' })
  await mailbox.getByText('approval-of-ada').waitFor()
  expect(await mailbox.getByRole('row').count()).toBe(7)
  await page.getByRole('button', { name: 'Later ones' }).click()
  await mailbox.getByText('retry').waitFor()
  expect(await mailbox.getByRole('row').count()).toBe(2)
  expect(await page.getByRole('button', { name: 'Later ones' }).count()).toBe(0)
  await page.getByRole('button', { name: 'The first ones' }).click()
  await mailbox.getByText('approval-of-ada').waitFor()
  expect(server.requests.filter((path) => path.startsWith('/api/value'))).toEqual([])
  expect(errors).toEqual([])
})

test('changes of steps come live, without a request, and keep every element where it was', async () => {
  const { page, server } = await open('?execution=ord_running')
  const row = page.getByRole('grid', { name: 'Steps' }).getByRole('row', { name: /^Pack/ })
  await row.waitFor()
  await soon(() => server.watched.at(-1)).toEqual({ type: 'watch', execution: 'ord_running' })
  const element = await row.elementHandle()
  const before = server.requests.filter((one) => one.includes('/execution?')).length
  server.send({ type: 'steps', steps: [], changes: [{ step: 'Pack', status: 'retrying', attempt: 2 }] })
  await soon(() => row.textContent()).toContain('Retrying ×2')
  expect(await row.evaluate((now, then) => now === then, element)).toBe(true)
  expect(server.requests.filter((one) => one.includes('/execution?')).length).toBe(before)
})

test('what a step has waited for, or failed of before, is not shown any more once it is over', async () => {
  const { page, server } = await open('?execution=ord_waiting&step=Approval')
  const detail = page.getByRole('complementary')
  const view = server.world.views.get('ord_waiting')!
  const approval = view.steps.find(({ step }) => step === 'Approval')!
  await detail.getByText(approval.waitsFor!).first().waitFor()
  await soon(() => server.watched.at(-1)).toMatchObject({ execution: 'ord_waiting' })
  const error = { name: 'Error', message: 'the gateway is down' }
  server.send({ type: 'steps', steps: [], changes: [{ step: 'Approval', status: 'failed', attempt: 1, error }] })
  await detail.getByText('the gateway is down').first().waitFor()
  expect(await detail.getByText(approval.waitsFor!).count()).toBe(0)
  const { waitsFor: _, ...over } = approval
  server.send({ type: 'steps', steps: [{ ...over, status: 'completed' }] })
  await soon(() => detail.textContent()).toContain('Completed')
  expect(await detail.getByText('the gateway is down').count()).toBe(0)
})

test('what happened is a list, the newest first, and of ten thousand steps the last two hundred', async () => {
  const { page, server, errors } = await open('?execution=ord_failed&tab=more')
  const rows = page.locator('.part', { hasText: 'What happened' }).getByRole('row')
  await soon(() => rows.nth(1).textContent()).toContain('The execution failed')
  const texts = await rows.allTextContents()
  expect(texts.at(-1)).toContain('The execution was created')
  const failed = texts.findIndex((text) => /ChargeCard attempt 1 failedthe payment provider did not answer/.test(text))
  expect(failed).toBeGreaterThan(texts.findIndex((text) => /ChargeCard began attempt 2/.test(text)))
  await page.goto(server.url('?execution=many&tab=more'))
  await page.getByText(/and [\d,]+ before: the timeline/).waitFor()
  expect(await rows.count()).toBe(201)
  expect(errors).toEqual([])
})

test('in a timeline, what the colours mean stands beside them, and times of a step are whole, however little room there is', async () => {
  const { page } = await open('?execution=ord_running&tab=timeline&step=Pack')
  await page.locator('.legend').waitFor()
  const found = await page.evaluate<{ readonly apart: number; readonly cut: readonly string[] }>(`({
    apart: [...document.querySelectorAll('.legend .swatch')].filter((swatch) => {
      const word = document.createRange()
      word.selectNode(swatch.nextSibling)
      return Math.abs(word.getBoundingClientRect().top - swatch.getBoundingClientRect().top) > 12
    }).length,
    cut: [...document.querySelectorAll('.steps-list .c-took')].filter((cell) => cell.scrollWidth > cell.clientWidth).map((cell) => cell.textContent),
  })`)
  expect(found).toEqual({ apart: 0, cut: [] })
})

test('an address with a token that is none opens the page, which says what to do', async () => {
  const server = await serve()
  const { page, errors } = await openPage(browser, server.url().replace(/#.*/, '#token=%E0%A4%A'))
  await page
    .getByText(/token|whole URL/i)
    .first()
    .waitFor()
  expect(errors).toEqual([])
})

test('after a gap, a lost connection, or from the start: the same picture', async () => {
  const { page, server } = await open('?execution=ord_running')
  const pack = page.getByRole('grid', { name: 'Steps' }).getByRole('row', { name: /^Pack/ })
  await soon(() => server.watched.at(-1)).toMatchObject({ execution: 'ord_running' })
  const view = server.world.views.get('ord_running')!
  const change = (status: string): void => {
    const steps = view.steps.map((step) => (step.step === 'Pack' ? { ...step, status } : step))
    server.world.views.set('ord_running', { ...view, steps })
  }
  change('failed')
  server.send({ type: 'gap' })
  await soon(() => pack.textContent()).toContain('Failed')
  server.down()
  await page.getByText('Reconnecting…').waitFor()
  change('cancelled')
  server.up()
  await soon(() => pack.textContent()).toContain('Cancelled')
  await page.getByText('Live', { exact: true }).waitFor()
  const late = await openPage(browser, server.url('?execution=ord_running'))
  await late.page.getByRole('row', { name: /^Pack/ }).waitFor()
  expect(await textOfSteps(late.page)).toBe(await textOfSteps(page))
})

test('a value is requested when somebody opens it, and one of a sensitive type never', async () => {
  const { page, server } = await open('?execution=ord_running&step=FetchCustomer')
  const values = (): readonly string[] => server.requests.filter((one) => one.startsWith('/api/value'))
  const output = page.getByRole('button', { name: /FetchCustomerOutput/ })
  await output.waitFor()
  expect(values()).toEqual([])
  await output.click()
  await page.getByText('Cut: the whole value has 20.0 MB').waitFor()
  await page.getByText('"<img src=x onerror=alert(1)>"').waitFor()
  expect(values()).toEqual(['/api/value?id=ord_running&of=step&step=FetchCustomer'])
  await page.getByRole('button', { name: 'Values and history' }).click()
  expect(await page.getByRole('button', { name: /CardNumber/ }).isDisabled()).toBe(true)
})

function textOfSteps(page: OpenPage['page']): Promise<string> {
  return page.getByRole('grid', { name: 'Steps' }).innerText()
}
