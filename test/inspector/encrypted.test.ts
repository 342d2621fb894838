import { createDocket, dataType, graph, signal, step, type } from 'docket'
import { encryption } from 'docket/codecs'
import { createInspector } from 'docket/inspector'
import { memoryStore } from 'docket/stores/memory'
import { expect, onTestFinished, test } from 'vitest'
import type { ExecutionView, ValueView } from '../../src/inspector/protocol.ts'
import { expectNoUnhandledErrors } from '../loose-api.ts'
import { PageClient } from './page-client.ts'

expectNoUnhandledErrors()

const Order = dataType('Order', type<string>())
const Payment = dataType('Payment', type<string>())
const Approval = dataType('Approval', type<string>())
const Receipt = dataType('Receipt', type<string>())
const orders = graph({
  name: 'orders',
  steps: [
    step({ name: 'Pay', inputs: { order: Order }, output: Payment, persist: 'execution', run: ({ order }) => order }),
    signal(Approval),
    step({
      name: 'Ship',
      inputs: { payment: Payment, approval: Approval },
      output: Receipt,
      run: ({ approval }) => approval,
    }),
  ],
})

test('a page without graph and codecs shows an encrypted execution but for its values, and sends nothing to it in the clear', async () => {
  const store = memoryStore()
  const codecs = [encryption({ keys: { a: Buffer.alloc(32, 7) }, current: 'a' })]
  const docket = createDocket({ graphs: [orders], store, codecs })
  const onlooker = createDocket({ graphs: [], store, takeOver: false })
  const handle = await docket.start(orders, Receipt, { Order: 'o' }, { id: 'one' })
  await expect.poll(async () => (await handle.details()).status).toBe('waiting')
  const inspector = await createInspector({ docket: onlooker, allowActions: true })
  const page = await PageClient.open(inspector)
  onTestFinished(async () => {
    page.close()
    await inspector.close()
    for (const one of [docket, onlooker]) await one.close({ deadline: 0 })
  })
  const { steps } = await page.get<ExecutionView>('execution?id=one')
  expect(steps).toEqual(
    expect.arrayContaining([
      expect.objectContaining({ step: 'Pay', status: 'completed' }),
      expect.objectContaining({ step: 'Approval', status: 'waiting' }),
    ]),
  )
  const value = await page.get<ValueView>('value?id=one&of=step&step=Pay').catch((error: unknown) => String(error))
  expect(JSON.stringify(value)).not.toContain('"o"')
  expect(await page.act({ act: 'signal', id: 'one', type: 'Approval', value: 'Ada' })).toMatchObject({
    outcomes: [
      {
        isDone: false,
        text: expect.stringMatching(/might not be stored as its values are: can’t read the inputs/) as string,
      },
    ],
  })
  expect((await docket.mailbox('one')).messages).toEqual([])
})
