import type { PlannedStep } from '../durable/execution-plan.ts'
import type { StepInfo } from '../durable/records/step-info.ts'
import { waitText } from '../durable/records/wait-text.ts'
import { defined, isoOf } from './defined.ts'
import { errorViewOf } from './error-view.ts'
import type { StepView } from './protocol.ts'

/** One step as the page shows it: no values. */
export function stepViewOf(info: StepInfo, planned: PlannedStep | undefined): StepView {
  const output = planned?.declaration.output
  return defined<StepView>({
    step: info.step,
    item: info.item,
    kind: planned?.declaration.kind,
    status: info.status,
    attempt: info.attempt ?? 0,
    dependsOn: planned?.dependsOn ?? [],
    output: output === undefined ? undefined : { type: output.name, isSensitive: info.isSensitive === true },
    queuedAt: isoOf(info.queuedAt),
    startedAt: isoOf(info.startedAt),
    endedAt: isoOf(info.endedAt),
    dueAt: isoOf(info.dueAt),
    waitsFor: waitsForOf(info),
    error: errorViewOf(info.error, true),
    attempts: attemptsOf(info),
    checkpoints: info.checkpoints?.map(({ name, kind, status, at }) => ({ name, kind, status, at: at.toISOString() })),
    undo: info.undo?.status,
  })
}

function waitsForOf({ status, waitsFor }: StepInfo): string | undefined {
  // What has not begun no process knows anything of.
  if (status === 'pending' && waitsFor?.kind === 'owner') return 'a process that goes on with it'
  return waitsFor && waitText(waitsFor)
}

function attemptsOf(info: Pick<StepInfo, 'attempts'>): StepView['attempts'] {
  return info.attempts.map(({ attempt, startedAt, endedAt, owner, error }) =>
    defined<StepView['attempts'][number]>({
      attempt,
      startedAt: startedAt.toISOString(),
      endedAt: isoOf(endedAt),
      owner,
      error: errorViewOf(error),
    }),
  )
}
