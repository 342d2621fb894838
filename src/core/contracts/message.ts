import type { StoredValue } from './stored-value.ts'

/** `control`: what is to become of the execution as a whole (cancel, retry, delete). `data`: what its steps wait for. */
export type MessageClass = 'control' | 'data'

/** A message to an execution, from a process that does not own it. */
export interface NewMessage {
  /** The id of the execution that gets it. */
  readonly execution: string
  /**
   * The sender's name for it: where one of this kind was posted to the execution under it before, that one's verdict is given again, and nothing is
   * appended. @default it is another one than all others
   */
  readonly id?: string | undefined
  /** Those of the class `control` are read before those of the class `data`, whenever they came. */
  readonly class: MessageClass
  /** What it is: `cancel`, `delete`, … */
  readonly kind: string
  /** A place that one message alone can take, such as a signal's. It stays taken when the message is consumed. @default it takes none */
  readonly slot?: string | undefined
  /** Whether it is for executions that have ended too. @default false */
  readonly andEnded?: boolean | undefined
  /** What comes with it. */
  readonly payload: StoredValue | undefined
  /** When it was posted, in milliseconds since the epoch. */
  readonly at: number
}

/** What became of a message that was posted. */
export type PostVerdict =
  /** It is in the mailbox, and will be read. */
  | 'accepted'
  /** Another message has taken its slot. */
  | 'duplicate'
  /** Its slot was closed before any message came. */
  | 'late'
  /** The execution has ended. */
  | 'ended'
  /** There is no such execution. */
  | 'unknown'

/** What a store remembers of the messages of one id, or for one slot. */
export interface Receipt {
  /** What it is of: `receipts.ts` makes it. */
  readonly name: string
  /** What the next one of that id, or for that slot, gets. */
  readonly verdict: PostVerdict
}

/** What a store remembers of the messages to an execution, in portions. */
export interface ReceiptPage {
  /** In an order of the store's choice. */
  readonly receipts: readonly Receipt[]
  /** To be given for the next portion; undefined after the last one. */
  readonly next: string | undefined
}

/** A message as its reader gets it. */
export interface Message extends Omit<NewMessage, 'andEnded'> {
  /** Grows within an execution, whatever the class. */
  readonly seq: number
}

/** A message that was posted here: it need not be read where nothing before it is unread. */
export interface PostedMessage {
  /** As its reader would get it. */
  readonly message: Message
  /** The number of the last one to its execution before it, whatever the class; 0 for none. */
  readonly after: number
}

/** Up to where the messages to an execution have been read: the numbers of the last ones, by class; 0 for none. */
export type MailPosition = Readonly<Record<MessageClass, number>>

/** Which messages to read. */
export interface MailRequest {
  /** Those to the executions of this owner. */
  readonly owner: string
  /** Those to these executions alone. @default all of the owner's */
  readonly executions?: readonly string[]
  /**
   * By execution, what was read before: only later messages are given. So what was read and is not consumed yet hides nothing that came
   * after it, in that execution or in another one.
   */
  readonly after?: ReadonlyMap<string, MailPosition>
  /** How many at most. As long as there are so many, there may be more. */
  readonly limit: number
}

/** Which messages of one execution to list, for people. */
export interface MailboxRequest {
  /** Those to this execution, whoever has it. */
  readonly execution: string
  /** Only those with a higher number. @default from the first */
  readonly after?: number | undefined
  /** How many at most. As long as there are so many, there may be more. */
  readonly limit: number
  /** Whether what they bring is wanted too. @default false */
  readonly payloads?: boolean | undefined
}

/** A message as people see it in a mailbox. */
export interface ListedMessage extends Message {
  /** How long what it brings is as the store keeps it, in bytes; 0 for nothing. */
  readonly bytes: number
}
