import type { DurableChild } from '../../core/graph/durable-context.ts'
import type { GivenInputs } from '../inputs/given-inputs.ts'
import type { Frame } from './frame.ts'
import type { FunctionChildren } from './function-children.ts'
import type { WorkingStep } from './step-work.ts'
import type { VerbNames } from './verb-names.ts'

/** Where a child was begun: a run of a function, or a branch of it. */
interface ChildPlace {
  readonly frame: Frame
  readonly step: WorkingStep
  readonly children: FunctionChildren
  readonly names: VerbNames
}

/** What a function does with the child that its verb of this name has begun: each of it once, however often it is called. */
export function childHandle(
  { frame, step, children, names }: ChildPlace,
  name: string,
  given: GivenInputs,
): DurableChild<unknown> {
  let result: Promise<unknown> | undefined
  let cancelled: Promise<unknown> | undefined
  return Object.freeze({
    id: children.idOf(name),
    result: () =>
      (result ??= frame.call({
        kind: 'result',
        // No name that a user gives has such a mark.
        name: `${name}$result`,
        names,
        begin: (verb) => children.result(name, verb, given),
      })),
    cancel: (reason?: unknown) =>
      (cancelled ??= frame.call({
        kind: 'cancel',
        name: `${name}$cancel`,
        names,
        begin: (verb) => {
          children.cancel(name, reason)
          verb.succeed(undefined, step.execution.clock.now())
          return undefined
        },
      })) as Promise<void>,
  })
}
