import {
  createDocket,
  dataType,
  durableStep,
  fixed,
  graph,
  optional,
  signal,
  step,
  StoreError,
  type,
  update,
} from 'docket'
import type { Store } from 'docket'
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
const Move = update('Move', { input: z.object({ street: z.string() }), output: z.string() })
const Parcel = dataType('Parcel', z.string())
const deliver = durableStep({
  name: 'Deliver',
  output: Parcel,
  receives: [Move],
  run: async (_, ctx) => {
    const move = await ctx.receive(Move)
    await move.reply(`to ${move.value.street}`)
    return move.value.street
  },
})
const Due = dataType('Due', z.object({ at: z.date(), cents: z.bigint() }))
const Bill = dataType('Bill', type<string>())
const bill = step({
  name: 'WriteBill',
  inputs: { due: Due },
  output: Bill,
  persist: 'execution',
  run: ({ due }) => `${due.cents} on ${due.at.toISOString()}`,
})
const parcels = graph({ name: 'parcels', steps: [deliver, bill] })

let browser: Browser

beforeAll(async () => {
  browser = await startBrowser()
})

afterAll(() => browser.close())

async function inspect(
  store: Store = memoryStore(),
): Promise<OpenPage & { readonly docket: ReturnType<typeof createDocket> }> {
  const docket = createDocket({ name: 'shop', graphs: [orders, parcels], store })
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

test('an update is sent, ended executions are deleted together once somebody confirms it, and a schedule is paused, all from the page', async () => {
  const { page, docket, errors } = await inspect()
  const handle = await docket.start(parcels, Parcel, {}, { id: 'parcel' })
  for (const id of ['a', 'b', 'c'])
    await (await docket.start(parcels, Bill, { Due: { at: new Date(0), cents: 1n } }, { id })).result()
  await docket.schedule('nightly', { graph: parcels, target: Parcel, inputs: {}, cron: '0 3 * * *' })
  await page.getByText('parcel', { exact: true }).dblclick()
  const acts = page.getByRole('group', { name: 'Acts on this execution' })
  await acts.getByRole('button', { name: 'Update…' }).click()
  await page.getByLabel('Type').fill('Move')
  await page.getByRole('textbox', { name: 'Value' }).fill('{ "street": 5 }')
  await page.getByRole('button', { name: 'Send' }).click()
  await page.getByText('1 not done').waitFor()
  await page.keyboard.press('Escape')
  await acts.getByRole('button', { name: 'Update…' }).click()
  await page.getByLabel('Type').fill('Move')
  await page.getByRole('textbox', { name: 'Value' }).fill('{ "street": "Oak" }')
  await page.getByRole('button', { name: 'Send' }).click()
  await page.getByText('it was answered').waitFor()
  await keepPicture(page, 'real-update')
  expect(await handle.result()).toBe('Oak')
  await page.keyboard.press('Escape')

  await page.getByRole('link', { name: 'Docket' }).click()
  for (const id of ['a', 'b']) await page.getByRole('checkbox', { name: new RegExp(`\\b${id}$`) }).click()
  await page.getByText('2 executions chosen').waitFor()
  const bulk = page.getByRole('region', { name: 'Acts on several executions' })
  await bulk.getByRole('button', { name: 'Delete…' }).click()
  await page.getByText('This can’t be undone').waitFor()
  await keepPicture(page, 'real-bulk-delete')
  await page.getByRole('button', { name: 'Not now' }).click()
  expect((await docket.list()).executions.map(({ id }) => id).toSorted()).toEqual(['a', 'b', 'c', 'parcel'])
  await bulk.getByRole('button', { name: 'Delete…' }).click()
  await page.getByRole('button', { name: 'Delete 2 executions' }).click()
  await page.getByText('2 done').waitFor()
  expect((await docket.list()).executions.map(({ id }) => id).toSorted()).toEqual(['c', 'parcel'])
  await page.keyboard.press('Escape')
  await soon(() => page.getByRole('grid').getByText('a', { exact: true }).count()).toBe(0)

  await page.getByRole('link', { name: 'Fleet' }).click()
  const nightly = page.getByRole('row', { name: /^nightly/ })
  await nightly.getByRole('button', { name: 'Pause…' }).click()
  await page.getByRole('button', { name: 'Pause', exact: true }).click()
  await page.getByText('1 done').waitFor()
  await page.keyboard.press('Escape')
  await soon(() => nightly.textContent()).toContain('Paused')
  expect((await docket.schedules.get('nightly'))!.pausedAt).toBeInstanceOf(Date)
  await keepPicture(page, 'real-schedule-paused')
  expect(errors).toEqual([])
})

test('a fork’s editor gives back what JSON has no form for as what it was', async () => {
  const { page, docket, errors } = await inspect()
  const due = { at: new Date('2026-05-01T12:00:00Z'), cents: 1200n }
  await (await docket.start(parcels, Bill, { Due: due }, { id: 'bill' })).result()
  await page.getByText('bill', { exact: true }).dblclick()
  await page
    .getByRole('grid', { name: 'Steps' })
    .getByRole('row', { name: /WriteBill/ })
    .click()
  await page.getByRole('button', { name: 'Fork from here…' }).click()
  await page.getByRole('checkbox', { name: /Due/ }).click()
  const editor = page.getByLabel('Value of Due')
  await soon(() => editor.inputValue()).toContain('"$bigint": "1200"')
  await editor.fill((await editor.inputValue()).replace('1200', '1300'))
  await keepPicture(page, 'real-fork')
  expect(await barriersOf(page)).toEqual([])
  await page.getByRole('button', { name: 'Start the fork' }).click()
  await page.getByText('1 done').waitFor()
  const fork = (await docket.list({ forkedFrom: 'bill' })).executions[0]!
  expect(await (await docket.get(fork.id))!.result()).toBe('1300 on 2026-05-01T12:00:00.000Z')
  expect(errors).toEqual([])
})

test('a mailbox shows what was sent and is not taken, what it brings when it is opened, and nothing of what is sensitive', async () => {
  const { page, docket, errors } = await inspect()
  const { promise: held, resolve: release } = Promise.withResolvers<string>()
  const Held = dataType('Held', z.string())
  const Done = dataType('Done', z.string())
  const inputs = { held: Held }
  const waiting = graph({
    name: 'waiting',
    steps: [
      step({ name: 'Hold', output: Held, run: () => held }),
      signal(Approval, { inputs }),
      signal(Card, { inputs }),
      step({
        name: 'Use',
        inputs: { ...inputs, approval: Approval, card: Card },
        output: Done,
        run: ({ approval }) => approval.by,
      }),
    ],
  })
  docket.addGraph(waiting)
  const handle = await docket.start(waiting, Done, {}, { id: 'held' })
  await page.getByText('held', { exact: true }).dblclick()
  await page.getByRole('button', { name: 'Values and history' }).click()
  await page.getByText('Nothing was sent to it that is not taken.').waitFor()
  await handle.signal(Approval, { by: 'Ada' }, { id: 'first-approval' })
  await handle.signal(Card, '4242-secret')
  const mailbox = page.getByRole('group', { name: 'Mailbox' })
  const approval = mailbox.getByRole('row', { name: /first-approval/ })
  await approval.getByRole('button', { name: /Approval/ }).click()
  await soon(() => approval.textContent()).toContain('"by": "Ada"')
  const card = mailbox.getByRole('row', { name: /Card/ })
  await soon(() => card.textContent()).toContain('sensitive: never shown')
  expect(await card.getByRole('button').isDisabled()).toBe(true)
  expect(await page.content()).not.toContain('4242-secret')
  await keepPicture(page, 'real-mailbox')
  expect(await barriersOf(page)).toEqual([])
  release('now')
  expect(await handle.result()).toBe('Ada')
  await page.getByText('Nothing was sent to it that is not taken.').waitFor()
  expect(errors).toEqual([])
})

test('of the machines of other programs the chosen one is drawn, and requested alone', async () => {
  await using docket = createDocket({ graphs: [], store: memoryStore(), takeOver: false })
  await using inspector = await createInspector({ docket, ingest: true })
  const program = new WebSocket(inspector.ingestUrl!)
  await new Promise((resolve) => program.addEventListener('open', resolve))
  for (const [index, name] of ['door', 'lift'].entries()) {
    const definition = JSON.stringify({ id: name, initial: `${name} rests`, states: { [`${name} rests`]: {} } })
    const snapshot = { status: 'active', value: `${name} rests`, context: { name } }
    program.send(JSON.stringify({ type: '@xstate.actor', sessionId: `x:${index}`, name, definition, snapshot }))
  }
  const { page, errors } = await openPage(browser, inspector.url.replace('/#', '/?view=machines#'))
  const shown = page.getByRole('region', { name: 'The chosen machine' })
  await soon(() => shown.textContent()).toContain('"name": "door"')
  await page.getByRole('button', { name: /^lift/ }).click()
  await soon(() => shown.textContent()).toContain('"name": "lift"')
  expect(await page.getByRole('button', { name: /^door/ }).getAttribute('aria-pressed')).toBe('false')
  program.close()
  await page.getByText('not connected').first().waitFor()
  expect(errors).toEqual([])
})

test('the page shows at the top that the store does not answer, until it does', async () => {
  const inner = memoryStore()
  let isAway = false
  const store = new Proxy(inner, {
    get(target, key) {
      const value: unknown = Reflect.get(target, key)
      if (typeof value !== 'function') return value
      const call = value.bind(target) as (...given: readonly unknown[]) => unknown
      return (...given: readonly unknown[]) => {
        if (isAway && (key === 'list' || key === 'get')) throw new StoreError('test', 'the server has gone away', true)
        return call(...given)
      }
    },
  })
  const { page, docket } = await inspect(store)
  const handle = await docket.start(orders, Charge, { Order: { item: 'tea', count: 2 }, Card: '1' }, { id: 'ord-1' })
  const mark = page.getByRole('status').filter({ hasText: /Live|store/ })
  await soon(() => mark.textContent()).toBe('Live')
  isAway = true
  await soon(() => mark.textContent()).toBe('No answer of the store')
  await keepPicture(page, 'real-store-away')
  isAway = false
  await soon(() => mark.textContent()).toBe('Live')
  await page.getByRole('link', { name: 'ord-1' }).click()
  await page.getByRole('grid', { name: 'Steps' }).waitFor()
  isAway = true
  await soon(() => mark.textContent()).toBe('No answer of the store')
  isAway = false
  await soon(() => mark.textContent()).toBe('Live')
  await handle.cancel()
})

test('a step that was skipped, one that was remembered, and one of an item of a batch that failed say why', async () => {
  const { page, docket, errors } = await inspect()
  const Place = dataType('Place', z.string())
  const Weather = dataType('Weather', z.string())
  const Umbrella = dataType('Umbrella', z.string())
  const Outfit = dataType('Outfit', z.string())
  const outfits = graph({
    name: 'outfits',
    steps: [
      step({
        name: 'Look',
        inputs: { place: Place },
        output: Weather,
        persist: 'global',
        run: ({ place }) => {
          if (place === 'nowhere') throw new Error('there is no such place')
          return `sun in ${place}`
        },
      }),
      step({
        name: 'Open',
        inputs: { weather: Weather },
        output: Umbrella,
        persist: 'execution',
        when: ({ weather }) => weather.startsWith('rain'),
        run: () => 'open',
      }),
      step({
        name: 'Dress',
        inputs: { weather: Weather, umbrella: optional(Umbrella) },
        output: Outfit,
        persist: 'execution',
        run: ({ weather, umbrella }) => `${weather}, ${umbrella ?? 'no umbrella'}`,
      }),
    ],
  })
  docket.addGraph(outfits)
  for (const id of ['first', 'second']) await docket.execute(outfits, Outfit, { Place: 'Rome' }, { id })
  const batch = await docket.startBatch(outfits, Outfit, [{ Place: 'Oslo' }, { Place: 'nowhere' }], { id: 'many' })
  await batch.result().catch(() => {})
  const steps = page.getByRole('grid', { name: 'Steps' })
  const why = page.locator('.why')
  const whyOf = async (name: RegExp, text: string) => {
    await steps.getByRole('row', { name }).click()
    await soon(() => why.textContent()).toContain(text)
  }
  await page.getByText('second', { exact: true }).dblclick()
  await whyOf(/Look/, 'an equal call had made its value before')
  await whyOf(/Open/, 'was skipped: its `when` said no')
  await whyOf(/Dress/, 'has its value')
  await page.goBack()
  await page.getByText('many', { exact: true }).dblclick()
  await whyOf(/Look/, 'there is no such place')
  expect(errors).toEqual([])
})
