import type { ExecutionEvent } from '../../core/contracts/events.ts'

/** The functions of users that run right now, as far as an execution still waits for them: meanwhile time stands still. */
export class WorkUnderWay {
  readonly #isFunction: (graph: string, step: string) => boolean
  readonly #byExecution = new Map<string, Map<string, string>>()

  /** `isFunction`: whether a step of a graph calls a function of the user, rather than waits. */
  constructor(isFunction: (graph: string, step: string) => boolean) {
    this.#isFunction = isFunction
  }

  get count(): number {
    let count = 0
    for (const open of this.#byExecution.values()) count += open.size
    return count
  }

  /** Each of them, for people. */
  get texts(): readonly string[] {
    return [...this.#byExecution.values()].flatMap((open) => [...open.values()])
  }

  /** A process has died: nobody waits for its functions. */
  clear(): void {
    this.#byExecution.clear()
  }

  /** Follows an execution by its events. */
  see(event: ExecutionEvent): void {
    switch (event.type) {
      case 'attempt.started':
      case 'step.resumed':
        if (this.#isFunction(event.graph, event.step)) this.#begin(event, '')
        break
      case 'undo.started':
        this.#begin(event, 'undo')
        break
      case 'attempt.failed':
      case 'step.ended':
      case 'step.cancelled':
      case 'step.waiting':
        this.#end(event, '')
        break
      case 'undo.attempt-failed':
        // What has a further try waits for its time, and then runs without another event.
        this.#end(event, 'undo')
        break
      case 'undo.ended':
        this.#end(event, 'undo')
        break
      case 'execution.ended':
      case 'execution.released':
        this.#byExecution.delete(event.executionId)
        break
      default:
    }
  }

  #begin({ executionId, step, item }: Place, kind: string): void {
    let open = this.#byExecution.get(executionId)
    if (open === undefined) this.#byExecution.set(executionId, (open = new Map()))
    const what = `${kind === '' ? '' : `the ${kind} of `}step "${step}"${item === undefined ? '' : ` of item ${item}`}`
    open.set(keyOf(step, item, kind), `${what} of execution "${executionId}"`)
  }

  #end({ executionId, step, item }: Place, kind: string): void {
    const open = this.#byExecution.get(executionId)
    open?.delete(keyOf(step, item, kind))
    if (open?.size === 0) this.#byExecution.delete(executionId)
  }
}

interface Place {
  readonly executionId: string
  readonly step: string
  readonly item: number | undefined
}

function keyOf(step: string, item: number | undefined, kind: string): string {
  return JSON.stringify([step, item, kind])
}
