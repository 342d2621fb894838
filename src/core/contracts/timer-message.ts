/** What a message of the kind `reschedule` brings. */
export interface TimerMove {
  /** The timer's name, as the graph of the sender, or of the execution's record, has it. */
  readonly step: string
  /** Key of the batch's item; empty outside batches, and for what its items share. */
  readonly item: string
  /** When it is due from now on, in milliseconds since the epoch, by the store's clock. */
  readonly dueAt: number
}

/** Which place of an execution's mailbox a stored move is encoded for. */
export function moveIdentity(execution: string): readonly string[] {
  return ['reschedule', execution]
}
