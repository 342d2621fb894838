import type { MailboxView, MessageView } from '../../../src/inspector/protocol.ts'
import { hostileNames } from './hard-plans.ts'
import { ago } from './step-views.ts'

function message(seq: number, more: Partial<MessageView>): MessageView {
  return { seq, kind: 'signal', at: ago((60 - seq) * 1_000), bytes: 0, isSensitive: false, ...more }
}

const first: MailboxView = {
  messages: [
    message(3, { type: 'Approval', id: 'approval-of-ada', bytes: 212 }),
    message(4, { type: 'CardNumber', id: 'd0a6f2c4-6d0e-4f1f-9a53-4c1d1ad7e5b2', bytes: 48, isSensitive: true }),
    message(5, { kind: 'update', type: 'ChangeAddress', id: 'address-2', item: 7, bytes: 20_000_000 }),
    message(6, { kind: 'reschedule', bytes: 40 }),
    message(7, { kind: 'child-ended' }),
    message(8, { kind: 'cancel' }),
  ],
  next: '8',
}

/** What lies in mailboxes, by their executions, and where a page goes on: by its beginning too. */
export const mailboxes: ReadonlyMap<string, MailboxView> = new Map([
  ['ord_waiting', first],
  ['ord_waiting8', { messages: [message(9, { kind: 'retry' })] }],
  [
    'hostile',
    { messages: hostileNames.map((name, seq) => message(seq + 1, { kind: name, type: name, id: name, bytes: 9 })) },
  ],
])
