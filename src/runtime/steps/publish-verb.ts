import type { AnyDataType } from '../../core/language/data-type.ts'
import { checkValue } from '../inputs/check-value.ts'
import type { CheckedValue } from '../inputs/check-value.ts'
import { outputError } from './output-error.ts'
import type { WorkingStep } from './step-work.ts'
import { noWork } from './verb.ts'
import type { Verb, VerbWork } from './verb.ts'
import { isPromise } from '../../core/own-promise.ts'

/** Sets the value of a type that others may look at. */
export function beginPublish(step: WorkingStep, verb: Verb, type: AnyDataType, value: unknown): VerbWork {
  const settle = (checked: CheckedValue): void => {
    const now = step.execution.clock.now()
    if (checked.issues === undefined)
      verb.succeed(undefined, now, { published: { type: type.name, value: checked.value } })
    else {
      const what = `step "${step.step}" published a value that does not fit "${type.name}"`
      verb.fail(outputError(step, what, checked.issues, checked.thrown), now)
    }
  }
  const checked = checkValue(type, value)
  if (isPromise(checked)) void checked.then(settle)
  else settle(checked)
  return noWork
}
