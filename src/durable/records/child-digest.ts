import type { ExecutionRecord } from '../../core/contracts/execution-record.ts'
import type { OutgoingMessage } from '../../core/contracts/outbox.ts'
import { canonicalize, digest } from '../../core/values/keys.ts'

const prefix = 'child '
const outliving = 'outliving '

/**
 * What the child of an execution is known by, in the place of the digest of its inputs: the same for all processes of one parent, whatever they make of its
 * unpersisted steps, and another one for a parent that was deleted and started anew. `mayOutlive`: it goes on where that completes without it.
 */
export function digestOfChild(
  parent: { readonly id: string; readonly createdAt: number },
  mayOutlive: boolean | undefined,
): string {
  const of = digest(canonicalize({ parent: parent.id, createdAt: parent.createdAt }))
  return `${prefix}${mayOutlive === true ? outliving : ''}${of}`
}

/** Whether a child goes on where its parent has completed without it, and may be gone by now. */
export function mayOutliveParent(requestDigest: string): boolean {
  return requestDigest.startsWith(prefix + outliving)
}

/** Whether a digest is one of a child: that of a child's fork is, too. */
export function isDigestOfChild(requestDigest: string): boolean {
  return requestDigest.startsWith(prefix)
}

/** The kind of message by which a child's end wakes its parent, which then reads how that has ended. */
export const childEnded = 'child-ended'

/** What a child is called in messages to its parent, whatever the length of its id. */
export function nameInMessages(id: string): string {
  return digest(canonicalize(id))
}

/** Which child a message is about, by its name in messages. */
export function nameIn(messageId: string): string {
  return messageId.slice(0, messageId.indexOf(' '))
}

/** The same of one that is deleted. It is delivered once that has happened: the commit that causes it comes before. */
export const childDeleted = 'child-deleted'

/** What the commit that ends a child causes, or the one before it is deleted. It may end again, in a later epoch. */
export function endedMessage(
  parent: string,
  { id, epoch }: Pick<ExecutionRecord, 'id' | 'epoch'>,
  at: number,
  kind = childEnded,
): OutgoingMessage {
  // One that is deleted, and begun anew under its id, has the same epochs again.
  const message = { execution: parent, id: `${nameInMessages(id)} ${epoch} ${at}`, kind }
  const entry = digest(canonicalize(message))
  return { entry, ...message, class: 'data', payload: undefined, at }
}
