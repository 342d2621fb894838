import { didYouMean } from '../../core/closest-name.ts'
import { describe } from '../../core/check-options.ts'
import { OptionError } from '../../core/errors.ts'
import { isRecord } from '../../core/is-record.ts'
import { describeThrown } from '../../core/thrown.ts'
import { givenInputs } from '../../runtime/inputs/given-inputs.ts'
import type { DocketOptions } from '../context/docket-options.ts'
import { checkSchedule } from './check-schedule.ts'
import type { CheckedSchedule } from './check-schedule.ts'
import { runInputsOf } from './declare-schedule.ts'

/** What a docket is given as `schedules`, as far as it can be checked before the store is open. @throws OptionError with all problems */
export function checkSchedules({
  schedules,
  graphs,
  store,
}: Pick<DocketOptions, 'schedules' | 'graphs' | 'store'>): readonly CheckedSchedule[] | undefined {
  if (schedules === undefined) return undefined
  if (!Array.isArray(schedules))
    throw new OptionError(`createDocket: schedules must be an array of schedules, not ${describe(schedules)}`)
  const checked: CheckedSchedule[] = []
  const problems: string[] = []
  for (const given of schedules as readonly unknown[]) {
    if (!isRecord(given) || given['kind'] !== 'schedule') {
      problems.push(`schedules must be made by schedule(), not ${describe(given)}`)
      continue
    }
    try {
      const one = checkSchedule(given['name'], given['declaration'], store, true)
      if (checked.some(({ name }) => name === one.name)) problems.push(`two schedules are named "${one.name}"`)
      else if (!graphs.includes(one.graph)) {
        const name: unknown = isRecord(one.graph) ? one.graph.name : undefined
        const known = graphs.map((graph) => graph.name)
        problems.push(
          `schedule "${one.name}" is of ${typeof name === 'string' ? `graph "${name}", which is not among graphs${didYouMean(name, known)}` : 'no graph'}`,
        )
      } else {
        const problem = problemOfInputs(one)
        if (problem === undefined) checked.push(one)
        else problems.push(`schedule "${one.name}": ${problem}`)
      }
    } catch (error) {
      if (!(error instanceof OptionError)) throw error
      problems.push(error.message)
    }
  }
  if (problems.length > 0) throw new OptionError(`createDocket: ${problems.join('; ')}`)
  return checked
}

/** Whether the inputs are those that the target needs; whether their values fit is known once the store is open, since a schema may take its time. */
function problemOfInputs({ graph, target, inputs, rule }: CheckedSchedule): string | undefined {
  try {
    givenInputs(graph, target, runInputsOf(rule, inputs, 0))
    return undefined
  } catch (error) {
    return describeThrown(error)
  }
}
