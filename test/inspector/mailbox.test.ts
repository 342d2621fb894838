import { createDocket, dataType, graph, signal, step, timer, type } from 'docket'
import { createInspector } from 'docket/inspector'
import { memoryStore } from 'docket/stores/memory'
import { onTestFinished, expect, test } from 'vitest'
import type { MailboxView, ValueView } from '../../src/inspector/protocol.ts'
import { expectNoUnhandledErrors } from '../loose-api.ts'
import { PageClient } from './page-client.ts'

expectNoUnhandledErrors()

const Held = dataType('Held', type<string>())
const Approval = dataType('Approval', type<{ by: string }>())
const Picture = dataType('Picture', type<string>())
const Token = dataType('Token', type<string>(), { sensitive: true })
const Later = dataType('Later', type<{ dueAt: Date }>())
const Done = dataType('Done', type<string>())
const hold = step({ name: 'Hold', output: Held, run: () => new Promise<string>(() => {}) })
const inputs = { held: Held }
const use = step({
  name: 'Use',
  inputs: { held: Held, approval: Approval, picture: Picture, token: Token, later: Later },
  output: Done,
  run: () => 'done',
})
const wait = timer({ name: 'Wait', inputs, output: Later, after: '1h' })
const held = graph({
  name: 'held',
  steps: [hold, wait, signal(Approval, { inputs }), signal(Picture, { inputs }), signal(Token, { inputs }), use],
})

async function inspected() {
  const docket = createDocket({ graphs: [held], store: memoryStore(), maxValueBytes: 64 * 1024 * 1024 })
  const inspector = await createInspector({ docket })
  const page = await PageClient.open(inspector)
  onTestFinished(async () => {
    page.close()
    await inspector.close()
    await docket.close({ deadline: 0 })
  })
  return { page, handle: await docket.start(held, Done, {}, { id: 'a' }) }
}

test('a mailbox is shown without what its messages bring, which comes one by one, and never where it is sensitive', async () => {
  const { page, handle } = await inspected()
  expect(await page.get('mailbox?id=a')).toEqual({ messages: [] })
  await handle.signal(Approval, { by: 'ada' }, { id: 's-1' })
  await handle.signal(Picture, 'p'.repeat(5_000_000))
  await handle.signal(Token, 'hunter2')
  const mail = await page.get<MailboxView>('mailbox?id=a')
  const at = expect.stringMatching(/^\d{4}-.*Z$/) as string
  expect(mail).toMatchObject({
    messages: [
      { kind: 'signal', type: 'Approval', id: 's-1', at, bytes: 12, isSensitive: false },
      { kind: 'signal', type: 'Picture', bytes: 5_000_002, isSensitive: false },
      { kind: 'signal', type: 'Token', isSensitive: true },
    ],
  })
  expect(mail).not.toHaveProperty('next')
  const value = async (index: number): Promise<ValueView> =>
    page.get<ValueView>(`value?id=a&of=message&seq=${mail.messages[index]!.seq}`)
  const first = await value(0)
  expect(first).toMatchObject({ type: 'Approval', isSensitive: false, isCut: false })
  expect(JSON.parse(first.text!)).toEqual({ by: 'ada' })
  expect(await value(1)).toMatchObject({ type: 'Picture', isCut: true, bytes: 5_000_002 })
  const secret = await value(2)
  expect(secret).toMatchObject({ type: 'Token', isSensitive: true, bytes: 0 })
  expect(secret).not.toHaveProperty('text')
  expect(JSON.stringify(mail)).not.toContain('hunter2')
})

test('a mailbox comes in pages of a hundred', async () => {
  const { page, handle } = await inspected()
  for (let due = 1; due <= 120; due++) await handle.reschedule('Wait', new Date(due))
  const first = await page.get<MailboxView>('mailbox?id=a')
  expect(first.messages).toHaveLength(100)
  const second = await page.get<MailboxView>(`mailbox?id=a&after=${first.next}`)
  expect(second.messages).toHaveLength(20)
  expect(second).not.toHaveProperty('next')
  expect(second.messages[0]).toEqual({
    seq: first.messages.at(-1)!.seq + 1,
    kind: 'reschedule',
    at: expect.any(String) as string,
    bytes: expect.any(Number) as number,
    isSensitive: false,
  })
  const value = await page.get<ValueView>(`value?id=a&of=message&seq=${second.messages[19]!.seq}`)
  expect(JSON.parse(value.text!)).toEqual({ step: 'Wait', item: '', dueAt: 120 })
})

test('what is not there, and a wrong request, is refused', async () => {
  const { page } = await inspected()
  for (const [path, status] of [
    ['mailbox?id=gone', 404],
    ['mailbox', 400],
    ['mailbox?id=a&after=x', 400],
    ['mailbox?id=a&more=1', 400],
    ['value?id=a&of=message&seq=9', 404],
    ['value?id=a&of=message&seq=x', 400],
    ['value?id=a&of=message', 400],
  ] as const)
    await expect(page.get(path), path).rejects.toThrow(String(status))
})
