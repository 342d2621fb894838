import { createDocket, dataType, fixed, graph, optional, signal, step, type } from 'docket'
import { createInspector } from 'docket/inspector'
import { memoryStore } from 'docket/stores/memory'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { z } from 'zod'
import { barriersOf, keepPicture, openPage, soon, startBrowser } from './browser.ts'
import type { OpenPage } from './browser.ts'

const Order = dataType('Order', z.object({ item: z.string(), count: z.number() }))
const Card = dataType('Card', type<string>(), { sensitive: true })
const Note = dataType('Note', z.string())
const Price = dataType('Price', z.number())
const Approval = dataType('Approval', z.object({ by: z.string() }))
const Charge = dataType('Charge', z.object({ id: z.string() }))

const priceOrder = step({
  name: 'PriceOrder',
  inputs: { order: Order, note: optional(Note) },
  output: Price,
  run: ({ order }) => order.count * 10,
})
const charge = step({
  name: 'ChargeCard',
  inputs: { price: Price, card: Card, approval: Approval },
  output: Charge,
  persist: 'execution',
  retry: { maxAttempts: 3, backoff: fixed(1) },
  run: ({ price }, { attempt }) => {
    if (price < 0 || attempt === 1) throw new Error(`the card was declined for ${price}`)
    return { id: 'charge-1' }
  },
})
const orders = graph({ name: 'orders', steps: [priceOrder, charge, signal(Approval)] })

let browser: Browser

beforeAll(async () => {
  browser = await startBrowser()
})

afterAll(() => browser.close())

async function inspect(): Promise<OpenPage & { readonly docket: ReturnType<typeof createDocket> }> {
  const docket = createDocket({ name: 'shop', graphs: [orders], store: memoryStore() })
  const inspector = await createInspector({ docket, allowActions: true })
  onTestFinished(async () => {
    await inspector.close()
    await docket.close()
  })
  return { docket, ...(await openPage(browser, inspector.url)) }
}

test('an execution is started, signalled, watched to its end, and forked with an edited input, all from the page', async () => {
  const { page, docket, errors } = await inspect()
  await page.getByRole('link', { name: 'Start…' }).click()
  await page.getByLabel('Makes').selectOption('Charge')
  await page.getByRole('textbox', { name: 'Order' }).fill('{ "item": "tea", "count": 2 }')
  await page.getByRole('textbox', { name: 'Card' }).fill('"4242-secret"')
  await page.getByRole('textbox', { name: 'Id' }).fill('ord-1')
  await page.getByRole('button', { name: 'Start', exact: true }).click()
  const steps = page.getByRole('grid', { name: 'Steps' })
  const approval = steps.getByRole('row', { name: /Approval/ })
  await soon(() => approval.textContent()).toContain('Waiting')
  await approval.click()
  const detail = page.getByRole('complementary')
  await soon(() => detail.textContent()).toContain('signal')
  await keepPicture(page, 'real-waiting')
  await detail.getByRole('button', { name: 'Signal…' }).click()
  await page.getByRole('textbox', { name: 'Value' }).fill('{ "by": "ada" }')
  await page.getByRole('button', { name: 'Send' }).click()
  await page.getByText('1 done').waitFor()
  await page.getByRole('button', { name: 'Close', exact: true }).click()
  await soon(() => steps.getByRole('row', { name: /ChargeCard/ }).textContent()).toContain('Completed')
  expect(await (await docket.get('ord-1'))!.result()).toEqual({ id: 'charge-1' })
  await steps.getByRole('row', { name: /ChargeCard/ }).click()
  await detail.getByText('the card was declined for 20').waitFor()
  await keepPicture(page, 'real-completed')
  expect(await barriersOf(page)).toEqual([])

  await detail.getByRole('button', { name: 'Fork from here…' }).click()
  await page.getByRole('checkbox', { name: /Price/ }).click()
  await page.getByLabel('Value of Price').fill('-5')
  await page.getByRole('button', { name: 'Start the fork' }).click()
  await page.getByText('1 done').waitFor()
  await page.getByRole('dialog').getByRole('link', { name: /^Open/ }).click()
  await soon(() => steps.getByRole('row', { name: /ChargeCard/ }).textContent()).toContain('Failed')
  await page.getByText('the card was declined for -5').first().waitFor()
  await keepPicture(page, 'real-failed')

  await page.getByRole('button', { name: 'Values and history' }).click()
  expect(await page.content()).not.toContain('4242-secret')
  await page.goBack()
  await page.getByRole('link', { name: 'Docket' }).click()
  await page.getByRole('button', { name: /^Failed/ }).click()
  await soon(() => page.locator('.list-body .is-failed').count()).toBeGreaterThan(0)
  await page.getByRole('link', { name: 'Fleet' }).click()
  await page.getByRole('heading', { name: /Queues/ }).waitFor()
  await keepPicture(page, 'real-fleet')
  expect(errors).toEqual([])
})
