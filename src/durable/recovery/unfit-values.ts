import type { StepRecord } from '../../core/contracts/execution-record.ts'
import type { AnyGraph, GraphIndex } from '../../core/graph/graph-index.ts'
import { requireIndex } from '../../core/graph/plan.ts'
import { isRecord } from '../../core/is-record.ts'
import type { AnyDataType } from '../../core/language/data-type.ts'
import type { ValueEncoding } from '../../core/values/value-encoding.ts'
import type { Turn } from '../../runtime/environment/turn.ts'
import { checkValue, issuesText } from '../../runtime/inputs/check-value.ts'
import { itemsStep } from '../records/batch-items.ts'
import { mayConvert } from '../records/may-convert.ts'
import { specsByName } from '../records/restore-execution.ts'
import { decodePresent } from '../records/stored-inputs.ts'

/** A recorded value that does not fit the schema that its data type has now, though the type's version is the same. */
export interface UnfitValue {
  /** Name of its data type. */
  readonly type: string
  /** The step that has made it; undefined for an input. */
  readonly step: string | undefined
  /** Of a batch, key of the first item, or name of the first chunk of items, of which that is so. */
  readonly item: string | undefined
  /** What does not fit; of a sensitive type nothing but that. */
  readonly problem: string
  /** Whether it is certain: a schema that converts need not take what it has made. */
  readonly isCertain: boolean
}

/** Finds what of the recorded values of an execution does not fit the schemas of its graph, which trusts them as long as their types have the same version. */
export class UnfitValues {
  readonly #id: string
  readonly #index: GraphIndex
  readonly #encoding: ValueEncoding
  readonly #turn: Turn
  /** The first of each step and type. */
  readonly #found = new Map<string, UnfitValue>()

  constructor(id: string, graph: AnyGraph, encoding: ValueEncoding, turn: Turn) {
    this.#id = id
    this.#index = requireIndex(graph)
    this.#encoding = encoding
    this.#turn = turn
  }

  get found(): readonly UnfitValue[] {
    return [...this.#found.values()]
  }

  /** Inputs, by the names of their types. `areGiven`: as a caller gave them, before any schema had converted them. */
  async takeInputs(inputs: unknown, areGiven: boolean, item?: string): Promise<void> {
    if (!isRecord(inputs)) return
    for (const [name, value] of Object.entries(inputs)) {
      const type = this.#index.types.get(name)
      if (type !== undefined && value !== undefined) await this.#check(type, value, undefined, item, areGiven)
    }
  }

  /** Records of steps, under the names of today. @throws SerializationError */
  async takeSteps(records: readonly StepRecord[]): Promise<void> {
    const specs = specsByName(this.#index)
    for (const { step, item, status, output } of records) {
      if (this.#turn.mustYield()) await this.#turn.next()
      if (status !== 'completed' && status !== 'cached') continue
      const type = specs.get(step)?.output
      if (type?.schema === undefined && step !== itemsStep) continue
      const value = await decodePresent(output, ['step', this.#id, step, item, 'output'], this.#encoding)
      if (type !== undefined) await this.#check(type, value, step, item === '' ? undefined : item, false)
      else if (isRecord(value) && Array.isArray(value['items']))
        for (const one of value['items'] as readonly unknown[]) await this.takeInputs(one, true, item)
    }
  }

  async #check(
    type: AnyDataType,
    value: unknown,
    step: string | undefined,
    item: string | undefined,
    isGiven: boolean,
  ): Promise<void> {
    const key = JSON.stringify([step, type.name])
    if (this.#found.has(key)) return
    const checked = await checkValue(type, value)
    if (checked.issues === undefined) return
    const isCertain = isGiven || !mayConvert(type)
    this.#found.set(key, { type: type.name, step, item, problem: issuesText(checked.issues), isCertain })
  }
}
