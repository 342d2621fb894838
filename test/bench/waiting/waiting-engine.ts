/** Those who wait for signals, times and children. */
export type WaitingContender =
  | `Docket on ${'PostgreSQL' | 'Redis' | 'SQLite' | 'MariaDB'}`
  | `Docket on ${'PostgreSQL' | 'Redis'}, parked`
  | 'DBOS'
  | 'Restate'
  | 'openworkflow'

/** Where a signal is sent to: what another process has to know of one that waits. */
export type SignalAddress = string

/** Somebody whose runs wait, open in a process of its own. */
export interface WaitingEngine {
  /** Begins a run that waits for a signal, then runs a step, which notes when it begins; gives where to send the signal once the run waits. */
  readonly wait: (key: string) => Promise<SignalAddress>
  /** Begins a run that starts a child of one step and waits for its result; gives how long it took from the start to the result, in milliseconds. */
  readonly child: () => Promise<number>
  /** Begins so many runs that wait until a time (of day, in milliseconds), then run a step, which notes that it begins. Resolves when all wait. */
  readonly sleep: (count: number, until: number) => Promise<void>
  readonly close: () => Promise<void>
}

/** Somebody who sends signals, from the same process or from another one. */
export interface SignalSender {
  readonly send: (address: SignalAddress) => Promise<unknown>
  readonly close: () => Promise<void>
}

/** When steps began, by the clock that all processes of a machine share. */
export class Begun {
  readonly #times = new Map<string, PromiseWithResolvers<number>>()
  /** Of those that slept: how late each of them was, in milliseconds. */
  readonly late: number[] = []
  #expected = Promise.withResolvers<void>()
  #count = 0

  /** A step begins now. */
  note(key: string): void {
    this.#of(key).resolve(sharedNow())
  }

  /** When the step began: resolves once it has. */
  async at(key: string): Promise<number> {
    const at = await this.#of(key).promise
    this.#times.delete(key)
    return at
  }

  /** So many are going to wake. */
  expect(count: number): void {
    this.late.length = 0
    this.#count = count
    this.#expected = Promise.withResolvers()
  }

  /** One that slept until then begins its next step now. */
  woke(until: number): void {
    this.late.push(Date.now() - until)
    if (this.late.length === this.#count) this.#expected.resolve()
  }

  /** Resolves when all that were expected have woken. */
  get allWoke(): Promise<void> {
    return this.#expected.promise
  }

  #of(key: string): PromiseWithResolvers<number> {
    let known = this.#times.get(key)
    if (known === undefined) this.#times.set(key, (known = Promise.withResolvers()))
    return known
  }
}

/** Milliseconds by a clock that never jumps, and that is the same in all processes of this machine. */
export function sharedNow(): number {
  return Number(process.hrtime.bigint() / 1_000n) / 1_000
}

/** Calls with 0 to `count` − 1, `atOnce` at a time. */
export async function inLanes(count: number, atOnce: number, act: (index: number) => Promise<unknown>): Promise<void> {
  let next = 0
  const lane = async (): Promise<void> => {
    while (next < count) await act(next++)
  }
  await Promise.all(Array.from({ length: Math.min(count, atOnce) }, lane))
}
