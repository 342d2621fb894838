/** Those who answer requests while they run. */
export type UpdateContender = `Docket on ${'PostgreSQL' | 'Redis' | 'SQLite'}` | 'Restate' | 'DBOS'

/** Somebody whose run answers requests, open in a process of its own. */
export interface UpdateEngine {
  /** Begins a run that adds up what it is sent. */
  readonly begin: (key: string) => Promise<void>
  /** Sends it a number and waits for the sum, which is on disk by then. */
  readonly update: (key: string, value: number) => Promise<number>
  readonly close: () => Promise<void>
}

/** Somebody in another process who knows the key alone. */
export type UpdateSender = Omit<UpdateEngine, 'begin'>
