import type { PlannedStep } from '../durable/execution-plan.ts'
import type { StepInfo } from '../durable/records/step-info.ts'
import { defined, isoOf } from './defined.ts'
import { errorViewOf } from './error-view.ts'
import { isSensitive } from './is-sensitive.ts'
import type { StepView } from './protocol.ts'
import { waitText } from './wait-text.ts'

/** One step as the page shows it: no values. */
export function stepViewOf(info: StepInfo, planned: PlannedStep | undefined): StepView {
  const output = planned?.declaration.output
  return defined<StepView>({
    step: info.step,
    item: info.item,
    kind: planned?.declaration.kind,
    status: info.status,
    attempt: info.attempt,
    dependsOn: planned?.dependsOn ?? [],
    output: output === undefined ? undefined : { type: output.name, isSensitive: isSensitive(output) },
    queuedAt: isoOf((info as { readonly queuedAt?: Date }).queuedAt),
    startedAt: isoOf(info.startedAt),
    endedAt: isoOf(info.endedAt),
    dueAt: isoOf(info.dueAt),
    waitsFor: info.waitsFor && waitText(info.waitsFor),
    error: errorViewOf(info.error, true),
    attempts: attemptsOf(info),
    checkpoints: info.checkpoints?.map(({ name, kind, status, at }) => ({ name, kind, status, at: at.toISOString() })),
    undo: info.undo?.status,
  })
}

/** What is on record of one try. */
interface AttemptInfo {
  readonly attempt: number
  readonly startedAt: Date
  readonly endedAt: Date | undefined
  readonly owner: string | undefined
  readonly error: unknown
}

function attemptsOf(info: StepInfo): StepView['attempts'] {
  const { attempts = [] } = info as { readonly attempts?: readonly AttemptInfo[] }
  return attempts.map(({ attempt, startedAt, endedAt, owner, error }) =>
    defined<StepView['attempts'][number]>({
      attempt,
      startedAt: startedAt.toISOString(),
      endedAt: isoOf(endedAt),
      owner,
      error: errorViewOf(error),
    }),
  )
}
