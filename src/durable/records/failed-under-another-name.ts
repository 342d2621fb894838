import type { StepRecord } from '../../core/contracts/execution-record.ts'
import type { GraphIndex } from '../../core/graph/graph-index.ts'
import { nameByFirstName } from './stored-names.ts'
import type { StoredNames } from './stored-names.ts'

/**
 * Why an older version of a program can't go on with an execution in which a step has failed under a newer name: it would begin once more, under the name that it has
 * here; what waited would wait for a signal that nobody can send any more. A step that was taken out, and has failed, hinders nobody.
 */
export function failedUnderAnotherName(
  { step, status }: Pick<StepRecord, 'step' | 'status'>,
  names: StoredNames | undefined,
  index: GraphIndex,
): string | undefined {
  if (status !== 'failed' || names === undefined) return undefined
  const here = nameByFirstName(step, names, index)
  return here === step
    ? undefined
    : `step "${step}" has failed, and is called "${here}" here, where it would begin anew`
}
