import type { NewMessage } from './message.ts'

/** A message to another execution, written in the commit that causes it, and kept until it is confirmed: so it is delivered at least once. */
export interface OutgoingMessage extends Omit<NewMessage, 'andEnded'> {
  /** Names it among all outgoing messages, in at most 100 bytes: written again under it, it is the same one. */
  readonly entry: string
  /** By this its receiver knows it, however often it is delivered. */
  readonly id: string
}

/** An outgoing message that nobody has confirmed. */
export interface OutboxEntry extends OutgoingMessage {
  /** What caused it, such as the execution of the commit. It stays when that is deleted. */
  readonly source: string
}

/** What names an entry to those who confirm it. */
export type OutboxPlace = Pick<OutboxEntry, 'source' | 'entry' | 'at'>

/** Which outgoing messages to read. */
export interface OutboxRequest {
  /** Those that were written before this time, in milliseconds since the epoch: younger ones are about to be delivered by whoever wrote them. */
  readonly before: number
  /** Only those behind this one. @default from the oldest */
  readonly after?: Pick<OutboxEntry, 'at' | 'entry'> | undefined
  /** How many at most. As long as there are so many, there may be more. */
  readonly limit: number
}
