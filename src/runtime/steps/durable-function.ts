import type { DurableContext } from '../../core/graph/durable-context.ts'
import { canonicalize, digest } from '../../core/values/keys.ts'
import { ChildEnds } from './child-ends.ts'
import { Branch } from './durable-branch.ts'
import type { FunctionRun, RunningWork } from './durable-branch.ts'
import type { Frame } from './frame.ts'
import { FunctionChildren } from './function-children.ts'
import type { WorkingStep } from './step-work.ts'
import { VerbNames } from './verb-names.ts'

/** One run of a durable function, as its function sees it. */
export class DurableFunction implements FunctionRun {
  readonly work: RunningWork
  readonly step: WorkingStep
  readonly frame: Frame
  readonly attempt: number
  readonly generation: number
  readonly children: FunctionChildren
  readonly childEnds = new ChildEnds()
  readonly context: DurableContext
  headers: Readonly<Record<string, string>> | undefined
  #controller: AbortController | undefined
  #abort: { readonly reason: unknown } | undefined

  constructor({
    work,
    step,
    frame,
    attempt,
    generation,
  }: Pick<FunctionRun, 'work' | 'step' | 'frame' | 'attempt' | 'generation'>) {
    this.work = work
    this.step = step
    this.frame = frame
    this.attempt = attempt
    this.generation = generation
    const place = { ...step.execution.place, step: step.step, attempt }
    this.children = new FunctionChildren(step, generation, place)
    this.context = new Branch(this, new VerbNames(''))
  }

  get idempotencyKey(): string {
    const { idempotencyKey } = this.step
    return this.generation === 0 ? idempotencyKey : this.derive('generation')
  }

  derive(what: unknown): string {
    return digest(canonicalize([this.step.idempotencyKey, this.generation, what]))
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController()
      if (this.#abort !== undefined) this.#controller.abort(this.#abort.reason)
    }
    return this.#controller.signal
  }

  /** What an interceptor has made of them. */
  useHeaders(headers: Readonly<Record<string, string>>): void {
    this.headers = headers
  }

  abort(reason: unknown): void {
    this.#abort = { reason }
    this.#controller?.abort(reason)
  }
}
