import { clearInterval, setInterval } from 'node:timers'
import type { Docket } from '../durable/docket.ts'
import { ExecutionTopic } from './execution-topic.ts'
import { ListTopic } from './list-topic.ts'
import type { PacerClock } from './pacer.ts'
import { PageConnection } from './page-connection.ts'
import type { ExecutionFilter, LiveFrame } from './protocol.ts'
import { queryOf } from './read-query.ts'
import type { Topic } from './topic.ts'
import type { WebSocket } from './web-packages.ts'

const mostPages = 64
const pingMs = 20_000

/** What a page looks at. */
export interface Watched {
  readonly execution?: string
  readonly filter?: ExecutionFilter
}

/**
 * What pages are shown without asking. It keeps states, not events: whoever comes late, or has slept, gets the same picture as all others. While no page is open it observes
 * nothing and reads nothing.
 */
export class Hub {
  readonly #docket: Docket
  readonly #clock: PacerClock | undefined
  readonly #pages = new Map<PageConnection, string | undefined>()
  readonly #topics = new Map<string, Topic>()
  #seq = 0
  #pinging: NodeJS.Timeout | undefined

  /** @param clock of what it looks at */
  constructor(docket: Docket, clock?: PacerClock) {
    this.#docket = docket
    this.#clock = clock
  }

  get seq(): number {
    return this.#seq
  }

  /** A page has shown that it may see things. Undefined where there are too many. */
  open(socket: WebSocket): PageConnection | undefined {
    const page = new PageConnection(socket, () => this.#seq)
    if (this.#pages.size >= mostPages) {
      page.close(1013, 'too many pages are open')
      return undefined
    }
    this.#pages.set(page, undefined)
    if (this.#pinging === undefined) {
      this.#pinging = setInterval(() => this.#ping(), pingMs)
      this.#pinging.unref()
    }
    socket.on('close', () => this.#leave(page))
    page.send(JSON.stringify({ type: 'ready' } satisfies LiveFrame))
    return page
  }

  /** What was watched before is watched no more. @throws RequestProblem for a filter that is none */
  watch(page: PageConnection, { execution, filter = {} }: Watched): void {
    if (!this.#pages.has(page)) return
    const key = JSON.stringify(execution === undefined ? [filter] : [filter, execution])
    const nextSeq = (): number => ++this.#seq
    const known = this.#topics.get(key)
    const topic =
      known ??
      (execution === undefined
        ? new ListTopic(this.#docket, queryOf(filter), nextSeq, this.#clock)
        : new ExecutionTopic(this.#docket, execution, nextSeq, this.#clock))
    this.#topics.set(key, topic)
    const before = this.#pages.get(page)
    this.#pages.set(page, key)
    if (before !== key) this.#leaveTopic(page, before)
    topic.join(page)
  }

  /** Something was done here, or has come from elsewhere. */
  call(): void {
    for (const topic of this.#topics.values()) topic.call()
  }

  /** To every page, whatever it watches. */
  showAll(frameOf: (seq: number) => LiveFrame): void {
    if (this.#pages.size === 0) return
    const text = JSON.stringify(frameOf(++this.#seq))
    for (const page of this.#pages.keys()) page.send(text)
  }

  close(): void {
    for (const page of this.#pages.keys()) page.close(1001, 'the inspector is closed')
    for (const topic of this.#topics.values()) topic.stop()
    this.#topics.clear()
    this.#pages.clear()
    this.#rest()
  }

  #ping(): void {
    for (const page of this.#pages.keys()) page.ping()
  }

  #leave(page: PageConnection): void {
    const key = this.#pages.get(page)
    if (!this.#pages.delete(page)) return
    this.#leaveTopic(page, key)
    if (this.#pages.size === 0) this.#rest()
  }

  #leaveTopic(page: PageConnection, key: string | undefined): void {
    const topic = key === undefined ? undefined : this.#topics.get(key)
    if (key === undefined || topic === undefined) return
    topic.leave(page)
    if (topic.isWatched) return
    topic.stop()
    this.#topics.delete(key)
  }

  #rest(): void {
    clearInterval(this.#pinging)
    this.#pinging = undefined
  }
}
