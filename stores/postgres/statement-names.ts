import { hash } from 'node:crypto'

const longestMs = 3_600_000

/**
 * Names of prepared statements. A server keeps the plan of one for as long as it has the name, however its tables grow; so a name may hold for as long again as the
 * store has been open, and for an hour at most: a statement of the next name is planned anew.
 */
export class StatementNames {
  readonly #names = new Map<string, string>()
  readonly #openedAt = performance.now()
  /** By connection, the last name of each text that has several, one after another. */
  readonly #last = new WeakMap<object, Map<string, string>>()

  /** A name for ever. */
  of(text: string): string {
    let name = this.#names.get(text)
    if (name === undefined) this.#names.set(text, (name = `docket_${hash('sha256', text).slice(0, 32)}`))
    return name
  }

  /** A name for a while, of this store alone: another one over the same pool goes through its names at other times, and a driver does not prepare again what was given up. */
  present(text: string): string {
    const seconds = (performance.now() - this.#openedAt) / 1_000
    const longest = longestMs / 1_000
    const turn = seconds < longest ? Math.floor(Math.log2(1 + seconds)) : `h${Math.floor(seconds / longest)}`
    return `${this.of(`${this.#openedAt} ${text}`)}_${turn}`
  }

  /** A connection uses this name; gives the one that it needs no more. */
  use(client: object, text: string, name: string): string | undefined {
    const names = this.#last.get(client) ?? new Map<string, string>()
    this.#last.set(client, names)
    const last = names.get(text)
    names.set(text, name)
    return last === name ? undefined : last
  }
}
