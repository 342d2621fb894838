import { filterFields } from '../../protocol.ts'
import type { FleetView } from '../../fleet-protocol.ts'
import type { About, Act, ActOutcomes, ExecutionFilter, ExecutionRows, ExecutionView } from '../../protocol.ts'
import type {
  ForeignActors,
  MachineView,
  MailboxView,
  Refusal,
  StartForm,
  StatusCounts,
  ValueView,
  WhyView,
} from '../../protocol.ts'

/** A request that came to nothing, with what to do about it. */
export class RequestError extends Error {
  override name = 'RequestError'
  readonly status: number
  readonly code: string | undefined

  constructor(message: string, status: number, code?: string) {
    super(message)
    this.status = status
    this.code = code
  }

  /** Whether the same request may succeed later. */
  get isPassing(): boolean {
    return this.status === 0 || this.status >= 500
  }
}

/** Which value of an execution: an input by its type, its output, what a step made, or what a message brings. */
export type ValueAddress =
  | { readonly of: 'input'; readonly type: string }
  | { readonly of: 'output' }
  | { readonly of: 'step'; readonly step: string; readonly item?: string | undefined }
  | { readonly of: 'message'; readonly seq: number }

type Query = Readonly<Record<string, string | number | undefined>>

/** The server, as the page calls it. */
export class Api {
  readonly #token: string
  readonly #onRefused: () => void

  constructor(token: string, onRefused: () => void) {
    this.#token = token
    this.#onRefused = onRefused
  }

  about(): Promise<About> {
    return this.#get('about')
  }

  executions(filter: ExecutionFilter, after?: string): Promise<ExecutionRows> {
    return this.#get('executions', { ...queryOf(filter), after, limit: 100 })
  }

  counts(filter: ExecutionFilter): Promise<StatusCounts> {
    return this.#get('counts', queryOf(filter))
  }

  execution(id: string): Promise<ExecutionView> {
    return this.#get('execution', { id })
  }

  mailbox(id: string, after: string | undefined): Promise<MailboxView> {
    return this.#get('mailbox', { id, after })
  }

  /** @param form `typed`: as it is edited */
  value(id: string, address: ValueAddress, form?: 'typed'): Promise<ValueView> {
    return this.#get('value', { id, ...address, form })
  }

  why(id: string, step?: string, item?: string): Promise<WhyView> {
    return this.#get('why', { id, step, item })
  }

  machine(id: string, step: string): Promise<MachineView> {
    return this.#get('machine', { id, step })
  }

  form(graph: string, target: string): Promise<StartForm> {
    return this.#get('form', { graph, target })
  }

  fleet(): Promise<FleetView> {
    return this.#get('fleet')
  }

  /** @param id of the one that everything is wanted of */
  foreign(id: string | undefined): Promise<ForeignActors> {
    return this.#get('foreign', { id })
  }

  act(act: Act): Promise<ActOutcomes> {
    return this.#send('acts', { method: 'POST', body: JSON.stringify(act) })
  }

  #get<Answer>(path: string, query: Query = {}): Promise<Answer> {
    const search = new URLSearchParams()
    for (const [name, value] of Object.entries(query)) if (value !== undefined) search.set(name, String(value))
    const text = search.toString()
    return this.#send(text === '' ? path : `${path}?${text}`, { method: 'GET' })
  }

  async #send<Answer>(path: string, init: RequestInit): Promise<Answer> {
    let response: Response
    try {
      response = await fetch(`/api/${path}`, {
        ...init,
        cache: 'no-store',
        headers: { 'x-docket-token': this.#token, 'content-type': 'application/json' },
      })
    } catch {
      throw new RequestError('The server does not answer. Is the process that serves this page still running?', 0)
    }
    const body: unknown = await response.json().catch(() => undefined)
    if (response.ok) return body as Answer
    if (response.status === 401) this.#onRefused()
    const refusal = (body as Partial<Refusal> | undefined)?.error
    throw new RequestError(
      refusal?.message ?? `The server answered with status ${response.status}.`,
      response.status,
      refusal?.code,
    )
  }
}

function queryOf(filter: ExecutionFilter): Query {
  return Object.fromEntries(filterFields.map((field) => [field, filter[field] === '' ? undefined : filter[field]]))
}
