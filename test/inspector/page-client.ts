import { once } from 'node:events'
import type { Inspector } from 'docket/inspector'
import { WebSocket } from 'ws'
import type { Act, ActOutcomes, ExecutionRow, ExecutionView } from '../../src/inspector/protocol.ts'
import type { LiveFrame, PageFrame, StepView } from '../../src/inspector/protocol.ts'
import { changedStep } from '../../src/inspector/page/connection/applied-steps.ts'
import { tokenOf } from './inspected-docket.ts'

/** What the page does, without the page: requests, and the picture that it has of what it watches. */
export class PageClient {
  readonly frames: LiveFrame[] = []
  /** The picture: rows by id, steps by name, as the newest frames have them. */
  readonly rows = new Map<string, ExecutionRow>()
  readonly steps = new Map<string, StepView>()
  isGone = false
  readonly socket: WebSocket
  readonly #origin: string
  readonly #token: string

  private constructor(inspector: Pick<Inspector, 'url'>) {
    this.#origin = new URL(inspector.url).origin
    this.#token = tokenOf(inspector)
    const { host } = new URL(inspector.url)
    this.socket = new WebSocket(`ws://${host}/api/live`, { origin: this.#origin })
    this.socket.on('message', (data: Buffer) => this.#take(JSON.parse(data.toString()) as LiveFrame))
  }

  static async open(inspector: Pick<Inspector, 'url'>): Promise<PageClient> {
    const page = new PageClient(inspector)
    await once(page.socket, 'open')
    page.send({ type: 'token', token: page.#token })
    await page.until(() => page.frames.some(({ type }) => type === 'ready'))
    return page
  }

  send(frame: PageFrame): void {
    this.socket.send(JSON.stringify(frame))
  }

  /** The list, or one execution, with what there is of it now. */
  async watch(execution?: string): Promise<void> {
    if (execution === undefined) return this.send({ type: 'watch' })
    const before = this.frames.length
    this.send({ type: 'watch', execution })
    const view = await this.get<Pick<ExecutionView, 'steps' | 'seq'>>(`execution?id=${execution}`)
    for (const step of view.steps) this.steps.set(step.step, step)
    for (const frame of this.frames.slice(before))
      if (frame.type === 'steps' && frame.seq > view.seq) this.#takeSteps(frame)
  }

  async get<T>(path: string): Promise<T> {
    const response = await fetch(`${this.#origin}/api/${path}`, { headers: { 'x-docket-token': this.#token } })
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`)
    return (await response.json()) as T
  }

  async act(act: Act): Promise<ActOutcomes> {
    const headers = { 'x-docket-token': this.#token, 'content-type': 'application/json' }
    const response = await fetch(`${this.#origin}/api/acts`, { method: 'POST', headers, body: JSON.stringify(act) })
    if (!response.ok) throw new Error(`${act.act}: ${response.status} ${await response.text()}`)
    return (await response.json()) as ActOutcomes
  }

  /** Waits until something is so; frames come in the meantime. */
  async until(isSo: () => boolean): Promise<void> {
    const patient = Date.now() + 20_000
    while (!isSo()) {
      if (Date.now() > patient) throw new Error('that did not come within 20 s')
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
  }

  close(): void {
    this.socket.terminate()
  }

  #take(frame: LiveFrame): void {
    this.frames.push(frame)
    if (frame.type === 'rows') {
      for (const row of frame.rows) this.rows.set(row.id, row)
      for (const id of frame.gone ?? []) this.rows.delete(id)
    }
    if (frame.type === 'steps') this.#takeSteps(frame)
  }

  #takeSteps(frame: Extract<LiveFrame, { readonly type: 'steps' }>): void {
    if (frame.isGone === true) this.isGone = true
    for (const step of frame.steps) this.steps.set(step.step, step)
    for (const change of frame.changes ?? []) {
      const known = this.steps.get(change.step)
      if (known !== undefined) this.steps.set(change.step, changedStep(known, change))
    }
  }
}
