import { dataType, type, update } from '../../src/index.ts'
import { isTerminal } from '../../src/core/contracts/statuses.ts'
import type { Docket, ExecutionEvent } from '../../src/index.ts'
import { eventTypes } from './broadcasts.ts'
import { isUnwritten } from './feature-checks.ts'
import { textOfOutputs, writtenItems } from './batch-ledger.ts'
import { callOf } from './random-batch.ts'
import type { SimulatedBatch } from './random-batch.ts'
import { buildGraph } from './live-graph.ts'
import type { LiveGraph } from './live-graph.ts'
import { isNeeded, leafName } from './simulated-step.ts'
import type { SimulatedGraph } from './simulated-step.ts'
import { declaredDocket } from './declared-docket.ts'
import type { SimulatedProgram } from './declared-docket.ts'
import { knownErrors } from './operations.ts'
import type { Beginning, LooseDocket, LooseHandle, Operation } from './operations.ts'
import type { StorePlace } from './moves.ts'
import type { Request } from './requests.ts'
import type { History } from './history.ts'
import type { SimulatedProcess } from './simulated-process.ts'
import type { SimulatedVersion } from './versions.ts'

// What can't go on in a process is looked at again after a minute.
const incompatibleMs = 61_000

/** A process with its docket, and what users ask of it. */
export class SimulatedDocket {
  readonly process: SimulatedProcess
  readonly docket: Docket
  readonly operations: Operation[] = []
  readonly isWatcher: boolean
  readonly version: SimulatedVersion
  /** The store that it is on. */
  readonly place: StorePlace
  isClosing = false
  isClosed = false
  /** Executions and their epochs that this process has given up, since its lease may be over: others have them once it is. */
  readonly lost = new Set<string>()
  readonly #graphs: ReadonlyMap<string, LiveGraph>
  readonly #plans: ReadonlyMap<string, SimulatedGraph>
  readonly #history: History
  readonly #ended = new Set<string>()
  readonly #batches: ReadonlyMap<string, SimulatedBatch>

  constructor(program: SimulatedProgram) {
    const { process, graphs, random, history, calls, batches, isWatcher, version } = program
    this.isWatcher = isWatcher
    this.version = version
    this.place = program.server.place
    this.process = process
    this.#history = history
    this.#batches = batches
    this.#plans = new Map(graphs.map((plan) => [plan.name, plan]))
    const live = new Map<string, LiveGraph>()
    for (const plan of graphs)
      live.set(plan.name, buildGraph(plan, process, random, calls, live, history.machines, version))
    this.#graphs = live
    this.docket = declaredDocket(program, live, (event) => this.#observe(event))
  }

  get isUsable(): boolean {
    return this.process.state === 'up' && !this.isClosing
  }

  start(
    graph: string,
    id: string,
    leaves: readonly string[],
    waits: boolean,
    endsInMs?: number,
    signals?: Readonly<Record<string, string>>,
    begins?: Beginning,
  ): void {
    const { graph: live, target } = this.#graphs.get(graph)!
    const plan = this.#plans.get(graph)!
    const inputs = Object.fromEntries(
      leaves
        .slice(0, plan.leaves)
        .flatMap((value, leaf) => (isNeeded(plan, leaf) ? [[this.version.type(leafName(plan, leaf)), value]] : [])),
    )
    this.#ask('start', id, async () => {
      const beganAt = this.#history.now
      const handle = await (this.docket as unknown as LooseDocket).start(live, target, inputs, {
        id,
        ...(signals === undefined ? {} : { signals: this.#named(signals) }),
        ...this.#limits(id, endsInMs, begins),
        ...begins?.place,
        ...begins?.keys,
        overrides: this.#named(begins?.overrides),
      })
      if (begins?.keys !== undefined) this.#history.keys!.answered(id, handle.id, handle.outcome, beganAt)
      if (waits) this.#result(handle.id, handle)
    })
  }

  /** Starts a batch; once that is done, the batch survives whatever happens. */
  startBatch(batch: SimulatedBatch, waits: boolean, endsInMs?: number, begins?: Beginning): void {
    const { id, isTooBig, graph } = batch
    this.#ask('startBatch', id, async () => {
      const { graph: live, target } = this.#graphs.get(graph.name)!
      const { items, options } = callOf(batch, this.version)
      const deletions = this.#history.deletionsOf(id)
      const { key: queueKey, ...place } = begins?.place ?? {}
      const overrides = this.#named(begins?.overrides)
      const call = { ...options, ...this.#limits(id, endsInMs, begins), ...place, queueKey, overrides }
      let handle: LooseHandle
      try {
        handle = await (this.docket as unknown as LooseDocket).startBatch(live, target, items, call)
      } catch (error) {
        if (isTooBig && error instanceof Error && error.name === 'SerializationError') return
        throw error
      }
      const life = this.#history.lives.get(id)
      // What has ended meanwhile may be written or not; what was deleted tells nothing of its next life.
      const hasEnded =
        this.#history.toBeEnded.has(id) ||
        deletions !== this.#history.deletionsOf(id) ||
        this.process.now >= (life?.deadline ?? Infinity)
      if (life !== undefined && !isTerminal(life.status) && !hasEnded) {
        life.isPromised = true
        if (writtenItems(life) < items.length)
          this.#history.violate(
            `${id} was started, but only ${writtenItems(life)} of ${items.length} items are written`,
          )
      }
      if (waits) this.#result(id, handle)
    })
  }

  /** Does what somebody else has it do, about something of this name. */
  perform(kind: string, name: string, act: () => Promise<unknown>): void {
    this.#ask(kind, name, act)
  }

  /** A graph as this process has it. */
  graph(name: string): LiveGraph {
    return this.#graphs.get(name)!
  }

  result(id: string): void {
    this.#ask('get', id, async () => {
      const handle = await (this.docket as unknown as LooseDocket).get(id)
      if (handle !== undefined) this.#result(id, handle)
    })
  }

  cancel(id: string): void {
    this.#history.toBeEnded.add(id)
    this.#ask('cancel', id, () => this.docket.cancel(id))
  }

  retry(id: string): void {
    this.#ask('retry', id, async () => {
      const ended = this.#history.retried(id, this.process.name)
      try {
        this.#result(id, (await this.docket.retry(id)) as LooseHandle)
      } finally {
        ended()
      }
    })
  }

  /** Retries what has failed, or was cancelled, some at a time. */
  retryAll(status: 'failed' | 'cancelled', limit: number): void {
    this.#ask('retryAll', '', async () => {
      const ended = [...this.#history.lives.keys()].map((id) => this.#history.retried(id, this.process.name))
      try {
        await this.docket.retryAll({ status, limit })
      } finally {
        for (const end of ended) end()
      }
    })
  }

  delete(id: string): void {
    this.#history.toBeEnded.add(id)
    this.#ask('delete', id, () => this.docket.delete(id))
  }

  fork(id: string, from: string | undefined, newId: string, overrides?: Readonly<Record<string, string>>): void {
    this.#ask('fork', newId, async () => {
      const step = from === undefined ? undefined : this.version.step(from)
      const handle = await this.docket.fork(id, { from: step, id: newId, overrides: this.#named(overrides) })
      this.#result(newId, handle as LooseHandle)
    })
  }

  /** Sends a signal, several times at once where somebody is impatient. */
  signal(
    id: string,
    name: string,
    letter: { readonly id: string; readonly value: string; readonly item?: number | undefined },
    times = 1,
  ): void {
    for (let time = 0; time < times; time++)
      this.#ask('signal', id, async () => {
        const handle = await (this.docket as unknown as LooseDocket).get(id)
        if (handle === undefined) return
        const verdict = await handle.signal(
          dataType(this.version.type(name), type<string>(), this.version.optionsOf(name)),
          letter.value,
          {
            id: letter.id,
            item: letter.item,
          },
        )
        this.#history.letters!.answered(letter.id, verdict)
      })
  }

  /** Sends a machine a letter, whose value is its id. */
  write(id: string, name: string, value: string, item: number | undefined, times: number): void {
    for (let time = 0; time < times; time++)
      this.#ask('signal', id, async () => {
        const handle = await (this.docket as unknown as LooseDocket).get(id)
        const verdict = await handle?.signal(dataType(name, type<string>()), value, { id: value, item })
        if (verdict !== undefined) this.#history.machines!.mail.answered(value, verdict)
      })
  }

  /** Sends a function a message, whose value is its id. */
  note(id: string, name: string, value: string, item: number | undefined, times: number): void {
    for (let time = 0; time < times; time++)
      this.#ask('signal', id, async () => {
        const handle = await (this.docket as unknown as LooseDocket).get(id)
        await handle?.signal(dataType(name, type<string>()), value, { id: value, item })
      })
  }

  /** Sends an update; whoever loses its answer may send it again. */
  update(request: Request): void {
    const { execution, name, id, value, item, timeoutMs } = request
    this.#ask('update', execution, async () => {
      const life = this.#history.lives.get(execution)
      const handle = await (this.docket as unknown as LooseDocket).get(execution)
      if (handle === undefined || life === undefined) return
      const of = update(name, { input: type<string>(), output: type<string>() })
      const options = { id, item, ...(timeoutMs !== undefined && { timeout: timeoutMs }) }
      try {
        const answer = await handle.update(of, value, options)
        this.#history.requests!.answered(life, request, { value: answer })
      } catch (error) {
        this.#history.requests!.answered(life, request, { error })
        throw error
      }
    })
  }

  /** Gives a timer another time, so long from now. */
  reschedule(id: string, timer: string, afterMs: number): void {
    this.#ask('reschedule', id, async () => {
      const handle = await (this.docket as unknown as LooseDocket).get(id)
      await handle?.reschedule(this.version.step(timer), afterMs)
    })
  }

  /** Emits an event, of one of the types there are. */
  emit(of: number, key: string): void {
    const value = this.#history.broadcasts!.make(of, key)
    this.#ask('emit', value, async () => {
      this.#history.broadcasts!.answered(value, await this.docket.emit(eventTypes[of]!, key, value))
    })
  }

  /** Takes an execution out of its docket. */
  detach(id: string): void {
    this.#ask('detach', id, async () => {
      const handle = await (this.docket as unknown as LooseDocket).get(id)
      if (handle === undefined) return
      const deletions = this.#history.deletionsOf(id)
      await handle.detach()
      if (deletions === this.#history.deletionsOf(id) && this.#history.lives.get(id)?.detachedBy === undefined)
        this.#history.violate(`${id} was detached, and the store does not know it`)
    })
  }

  purge(olderThanMs: number): void {
    this.#ask('purge', '', () => this.docket.purge({ olderThan: olderThanMs }))
  }

  resume(): void {
    this.#ask('resume', '', () => this.docket.resume())
  }

  list(): void {
    this.#ask('list', '', () => this.docket.list({ limit: 3 }))
  }

  close(deadlineMs: number): void {
    this.isClosing = true
    this.#ask('close', '', async () => {
      await this.docket.close({ deadline: deadlineMs })
      this.isClosed = true
    })
  }

  #result(id: string, handle: LooseHandle): void {
    this.#ask('result', id, async () => {
      const made = await handle.result()
      const value = Array.isArray(made) ? textOfOutputs(made as readonly unknown[]) : made
      const outputs = this.#history.outputs.get(id)
      if (outputs?.has(value) !== true)
        this.#history.violate(`result() of ${id} gave ${String(value)}; the store has ${[...(outputs ?? [])].join()}`)
    })
  }

  #ask(kind: string, id: string, ask: () => Promise<unknown>): void {
    const { process } = this
    const name = `${process.name}.${kind}(${id})`
    process.post(0, () => {
      this.#history.tell(() => `${name} asked`)
      const operation: Operation = {
        name,
        kind,
        id,
        process,
        beganAt: process.now,
        settledAt: undefined,
        error: undefined,
      }
      this.operations.push(operation)
      const settled = (how: string, error?: unknown): void => {
        operation.settledAt = process.now
        operation.error = error
        this.#history.tell(() => `${name} ${how}`)
        const isKnown =
          error instanceof Error &&
          (knownErrors.has(error.name) ||
            (error.name === 'InputError' && (kind === 'signal' || kind === 'update' || kind === 'fork')))
        if (error !== undefined && !isKnown) this.#history.violate(`${name} was rejected with ${String(error)}`)
      }
      ask().then(
        () => settled('done'),
        (error: unknown) => settled(`rejected: ${String(error)}`, error),
      )
    })
  }

  /** Values that are given for what steps make, under the names that these have here. */
  #named(given: Readonly<Record<string, string>> | undefined): Readonly<Record<string, string>> | undefined {
    return given && Object.fromEntries(Object.entries(given).map(([name, value]) => [this.version.type(name), value]))
  }

  /** When an execution begins, and when it is to end. */
  #limits(id: string, endsInMs: number | undefined, begins: Beginning = {}): object {
    const { inMs, eager } = begins
    return {
      ...this.#history.lifetimes.get(id),
      ...(endsInMs !== undefined && { deadline: this.process.now + endsInMs }),
      ...(inMs !== undefined && { startAt: new Date(this.process.now + inMs) }),
      ...(eager !== undefined && { eager }),
    }
  }

  /** Nothing begins in a process after it has seen the end. */
  #observe(event: ExecutionEvent): void {
    const { type, executionId } = event
    if (type === 'execution.started') this.#ended.delete(executionId)
    if (type === 'execution.ended' || type === 'execution.released' || type === 'lease.lost')
      this.#ended.add(executionId)
    if (type === 'attempt.started' && this.#ended.has(executionId))
      this.#history.violate(`${event.step} of ${executionId} began in ${this.process.name} after the end`)
    if (type === 'execution.incompatible') this.#onIncompatible(executionId, event.reasons)
    if (type === 'execution.ended')
      this.#history.tell(() => `${this.process.name} ${executionId} ${event.status}: ${String(event.error)}`)
    else if (type === 'execution.resumed')
      this.#history.tell(() => `${this.process.name} ${executionId} resumed after ${event.after}`)
    else if (type === 'lease.lost') {
      this.lost.add(`${executionId} ${this.#history.lives.get(executionId)?.epoch}`)
      this.#history.tell(() => `${this.process.name} ${executionId} lease lost`)
    }
  }

  /** Only batches whose items are not all there don't fit. */
  #onIncompatible(id: string, reasons: readonly string[]): void {
    const life = this.#history.lives.get(id)
    if (life === undefined) return
    const isExpected =
      this.#history.moves?.arriving.has(id) === true ||
      isUnwritten(this.#batches, life) ||
      this.#history.versions?.mayNotFit(life, this.version) === true
    if (!isExpected) this.#history.violate(`${id} is incompatible: ${reasons.join('; ')}`)
    life.leftAloneUntil = this.#history.now + incompatibleMs
  }
}
