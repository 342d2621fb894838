import type { StepPage, StepRecord } from '../../core/contracts/execution-record.ts'
import type { Store } from '../../core/contracts/store.ts'
import type { FullClock } from '../../runtime/environment/clock.ts'
import { turnOf } from '../../runtime/environment/turn.ts'
import { droppedType } from '../records/migrate-records.ts'
import type { StepPages } from '../records/step-pages.ts'

// What a store gives at once, of which some answer within the turn in which they are read.
const recordsPerPage = 1_000

/** Reads the step records of executions. */
export class StepReader {
  readonly #store: Pick<Store, 'readSteps'>
  readonly #clock: FullClock

  constructor(store: Pick<Store, 'readSteps'>, clock: FullClock) {
    this.#store = store
    this.#clock = clock
  }

  /** All step records of some executions. @throws StoreError */
  async readSteps(ids: readonly string[]): Promise<ReadonlyMap<string, readonly StepRecord[]>> {
    const byExecution = new Map<string, StepRecord[]>()
    await this.#eachPage(ids, (steps) => {
      for (const step of steps) {
        const known = byExecution.get(step.execution)
        if (known === undefined) byExecution.set(step.execution, [step])
        else known.push(step)
      }
    })
    return byExecution
  }

  /** The step records of one execution, page by page. Whoever takes them may rely on no order. They end early where they are not wanted any more. */
  pagesOf(id: string, areWanted: () => boolean = () => true): StepPages {
    return (take) => this.#eachPage([id], take, areWanted)
  }

  /** While a page is taken, the next one is on its way: never more than two are in memory. */
  async #eachPage(
    ids: readonly string[],
    take: (steps: StepPage['steps']) => Promise<void> | void,
    areWanted: () => boolean = () => true,
  ): Promise<void> {
    const turn = turnOf(this.#clock)
    let reading: Promise<StepPage> | undefined = this.#store.readSteps(ids)
    while (reading !== undefined) {
      const { steps, next }: StepPage = await reading
      if (!areWanted()) return
      reading = next === undefined ? undefined : this.#store.readSteps(ids, next)
      // It rejects where it is awaited, which may be later.
      reading?.catch(() => {})
      if (turn.mustYield(recordsPerPage)) await turn.next()
      const hasDropped = steps.some(({ type }) => type === droppedType)
      await take(hasDropped ? steps.filter(({ type }) => type !== droppedType) : steps)
    }
  }
}
