import type { ExecutionFilter, ExecutionRow, LiveFrame, StatusCounts } from '../../protocol.ts'
import type { Api } from './api.ts'
import type { LiveConnection, LiveReceiver } from './live-connection.ts'
import { Notifier } from './notifier.ts'

/** How many rows a page of the list has. */
export const pageSize = 100
/** So many pages with nothing on them are gone through by themselves: of what steps wait for there is no index, and a page is what is found among a thousand. */
const mostEmptyPages = 20

/** The list of executions as this page knows it: the pages that were loaded, with every change since. */
export class ListModel extends Notifier {
  readonly #api: Api
  readonly #live: LiveConnection
  readonly #filterNow: () => ExecutionFilter
  readonly #receiver: LiveReceiver = {
    onFrame: (frame) => this.#received(frame),
    onGap: () => this.refresh(),
  }
  #filter: ExecutionFilter
  #stop: () => void
  #rows: ExecutionRow[] = []
  #places = new Map<string, number>()
  #next: string | undefined
  /** How many pages in a row had nothing on them. */
  #emptyPages = 0
  /** Whether what is behind a page that is not full was looked through: it is once, since it may take long. */
  #hasLookedFurther = false
  /** How many rows the first page had, which is read with each refresh. */
  #ofFirst = 0
  /** Where the next rows are that are read again. */
  #turn = 0
  #isLoading = false
  /** Whether something has changed since what is being loaded was requested. */
  #isStale = false
  /** Whether the end of the list came into sight meanwhile: it says so once. */
  #isMoreWanted = false
  #isOver = false
  #timer: ReturnType<typeof setTimeout> | undefined
  #refreshAt: ReturnType<typeof setTimeout> | undefined
  error: unknown
  counts: StatusCounts['counts'] | undefined
  /** Whether the first page is here. */
  isReady = false

  /** @param filterNow a window that ends now is another one as time goes by */
  constructor(api: Api, live: LiveConnection, filterNow: () => ExecutionFilter) {
    super()
    this.#api = api
    this.#live = live
    this.#filterNow = filterNow
    this.#filter = filterNow()
    this.#stop = live.watch(this.#receiver, { filter: this.#filter })
    this.refresh()
  }

  get rows(): readonly ExecutionRow[] {
    return this.#rows
  }

  get hasMore(): boolean {
    return this.#next !== undefined
  }

  get isLoading(): boolean {
    return this.#isLoading
  }

  close(): void {
    this.#isOver = true
    this.#stop()
    clearTimeout(this.#timer)
    clearTimeout(this.#refreshAt)
  }

  /** The newest page and the counts again; what is behind them stays. */
  refresh(): void {
    if (this.#isOver) return
    clearTimeout(this.#timer)
    clearTimeout(this.#refreshAt)
    this.#refreshAt = undefined
    // One after the other: answers that overtake each other would leave a hole, and a slow store would get ever more requests.
    if (this.#isLoading) this.#isStale = true
    else void this.#load()
  }

  /** The next page, if there is one. */
  async loadMore(): Promise<void> {
    if (this.#next === undefined) return
    if (this.#isLoading) {
      this.#isMoreWanted = true
      return
    }
    this.#isLoading = true
    try {
      const page = await this.#api.executions(this.#filter, this.#next)
      this.#next = page.next
      this.#add(page.executions)
      this.#lookFurther(page.executions.length)
      this.error = undefined
    } catch (error) {
      this.error = error
    }
    this.#loaded()
  }

  /** Whoever scrolls asks for more where there is something to be scrolled. */
  #lookFurther(found: number): void {
    this.#emptyPages = found === 0 ? this.#emptyPages + 1 : 0
    if (this.#next === undefined || found >= pageSize || this.#rows.length >= pageSize) return
    this.#hasLookedFurther = true
    if (this.#emptyPages % mostEmptyPages !== 0 || found > 0) this.#isMoreWanted = true
  }

  #loaded(): void {
    this.#isLoading = false
    if (this.#isOver) return
    this.changed()
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => this.#loadWhenSeen(), 5_000)
    if (this.#isMoreWanted) {
      this.#isMoreWanted = false
      void this.loadMore()
    }
    if (!this.#isStale || this.#isLoading) return
    this.#isStale = false
    this.refresh()
  }

  async #load(): Promise<void> {
    this.#isLoading = true
    this.#moveWindow()
    const [page, counts] = await Promise.allSettled([
      this.#api.executions(this.#filter),
      // What is shown beside the list counts every status, whichever the list shows.
      this.#api.counts({ ...this.#filter, status: '' }),
      this.#loadSomeAgain(),
    ])
    if (page.status === 'fulfilled') {
      this.#takeFirst(page.value.executions, page.value.next)
      this.isReady = true
      this.error = undefined
    } else this.error = page.reason
    if (counts.status === 'fulfilled') this.counts = counts.value.counts
    this.#loaded()
  }

  /** A page that is open for hours shows the last ones, not all since it was opened. */
  #moveWindow(): void {
    const filter = this.#filterNow()
    const { from } = filter
    if (from === undefined || from === this.#filter.from) return
    this.#filter = filter
    this.#stop = this.#live.watch(this.#receiver, { filter })
    this.#place(this.#rows.filter(({ createdAt }) => createdAt >= from))
  }

  /** Rows behind the first page come from no live change: with each refresh a hundred of them are read again, from one on that has not ended, in turn. */
  async #loadSomeAgain(): Promise<void> {
    const isOpen = ({ endedAt }: ExecutionRow, index: number): boolean =>
      index >= this.#ofFirst && endedAt === undefined
    const next = this.#rows.findIndex((row, index) => index >= this.#turn && isOpen(row, index))
    const start = next === -1 ? this.#rows.findIndex(isOpen) : next
    this.#turn = start + pageSize
    const some = start === -1 ? [] : this.#rows.slice(start, start + pageSize)
    const [newest, oldest] = [some[0], some.at(-1)]
    if (newest === undefined || oldest === undefined) return
    const before = new Date(Date.parse(newest.createdAt) + 1).toISOString()
    const page = await this.#api.executions({ ...this.#filter, from: oldest.createdAt, before })
    const now = new Map(page.executions.map((row) => [row.id, row]))
    // Where none of them was found as far as it was looked through, nothing is known.
    const last = page.next === undefined ? '' : (page.executions.at(-1)?.createdAt ?? newest.createdAt)
    // Of equal times, some may stand on another page.
    const ids = new Set(some.map(({ id }) => id))
    const isGone = ({ id, createdAt }: ExecutionRow): boolean => ids.has(id) && createdAt > last && !now.has(id)
    this.#place(this.#rows.filter((row) => !isGone(row)).map((row) => now.get(row.id) ?? row))
  }

  #place(rows: ExecutionRow[]): void {
    this.#rows = rows
    this.#places = new Map(rows.map(({ id }, index) => [id, index]))
  }

  #loadWhenSeen(): void {
    if (document.visibilityState === 'visible') this.refresh()
    else this.#timer = setTimeout(() => this.#loadWhenSeen(), 1_000)
  }

  #takeFirst(first: readonly ExecutionRow[], next: string | undefined): void {
    const ids = new Set(first.map(({ id }) => id))
    const last = first.at(-1)
    // Older pages are kept where they go on behind this one; a row between that is gone no longer belongs to the list. All go on behind a page on which nothing was found.
    const lastPlace = last === undefined ? this.#ofFirst - 1 : this.#places.get(last.id)
    const older =
      lastPlace === undefined || next === undefined
        ? []
        : this.#rows.slice(lastPlace + 1).filter(({ id }) => !ids.has(id))
    this.#ofFirst = first.length
    this.#place([...first, ...older])
    const isLookedThrough = this.#hasLookedFurther && first.length < pageSize && next !== undefined
    if (older.length > 0 || isLookedThrough) return
    this.#next = next
    this.#lookFurther(first.length)
  }

  #add(rows: readonly ExecutionRow[]): void {
    for (const row of rows) {
      const place = this.#places.get(row.id)
      if (place === undefined) this.#places.set(row.id, this.#rows.push(row) - 1)
      else this.#rows[place] = row
    }
  }

  #received(frame: LiveFrame): void {
    if (frame.type !== 'rows') return
    let hasNew = false
    for (const row of frame.rows) {
      const place = this.#places.get(row.id)
      if (place === undefined || row.status !== this.#rows[place]!.status) hasNew = true
      if (place !== undefined) this.#rows[place] = row
    }
    if (frame.gone !== undefined && frame.gone.length > 0) {
      const gone = new Set(frame.gone)
      this.#place(this.#rows.filter(({ id }) => !gone.has(id)))
      hasNew = true
    }
    this.changed()
    // Which rows belong to the filter, and how many there are, is the store's to say.
    if (hasNew) this.#refreshAt ??= setTimeout(() => this.refresh(), 700)
  }
}
