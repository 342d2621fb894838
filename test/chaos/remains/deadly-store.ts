import type { ExecutionCommit } from '../../../src/core/contracts/execution-record.ts'
import type { Store } from '../../../src/core/contracts/store.ts'
import { alteredStore } from '../../durable/altered-store.ts'
import type { Moment } from './deaths.ts'

/** Counts what happens, and ends the process at its moment. */
export class Fate {
  readonly #moment: Moment
  readonly counts = new Map<string, number>()
  /** Not counted before: what a docket does by itself as it begins comes at any time. */
  isOn = false

  constructor(moment: Moment) {
    this.#moment = moment
  }

  begin(): void {
    this.isOn = true
    if ('afterMs' in this.#moment) setTimeout(() => this.end(), this.#moment.afterMs)
  }

  /** A step or an undoing is under way. */
  readonly onBegun = (name: string): void => {
    if (!('during' in this.#moment) || this.#moment.during !== name) return
    if (this.#nth(name) === (this.#moment.nth ?? 1)) setTimeout(() => this.end(), 5)
  }

  /** A store whose calls end the process. */
  over(inner: Store, isDeaf: boolean): Store {
    const moment = this.#moment
    return alteredStore(inner, (method, ask, given) => {
      if (isDeaf && method === 'readMail') return new Promise(() => {})
      if (!this.isOn && method !== 'open') return ask()
      if (!('call' in moment) || moment.call !== method) {
        this.#nth(method)
        return ask()
      }
      if (moment.of === 'found') return this.#ifFound(ask)
      if (moment.of !== undefined && !isOf(moment.of, given)) return ask()
      if (this.#nth(method) !== (moment.nth ?? 1)) return ask()
      if (moment.when === 'before') this.end()
      const answer = ask()
      // Somewhere between here and the answer, for all that it knows: to make the tables takes long.
      if (moment.when === 'sent') setTimeout(() => this.end(), Math.random() * (method === 'open' ? 60 : 3))
      // What a store refuses that was closed meanwhile is no moment of it.
      else
        void Promise.resolve(answer).then(
          () => this.end(),
          () => {},
        )
      return new Promise(() => {})
    })
  }

  end(): void {
    process.kill(process.pid, 'SIGKILL')
  }

  async #ifFound(ask: () => unknown): Promise<unknown> {
    const found = await ask()
    if ((found as readonly unknown[]).length > 0) this.end()
    return found
  }

  #nth(name: string): number {
    const nth = (this.counts.get(name) ?? 0) + 1
    this.counts.set(name, nth)
    return nth
  }
}

function isOf(what: 'releases' | 'undoings', [commits]: readonly unknown[]): boolean {
  return (commits as readonly ExecutionCommit[]).some(({ head, steps }) =>
    what === 'releases' ? head?.isReleased === true : steps.some(({ step }) => step.startsWith('$undo ')),
  )
}
