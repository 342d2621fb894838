import type { ExecutionDetails, ExecutionInfo, StepInfo } from '../index.ts'
import { isoOf, jsonErrorOf, jsonValueOf } from './json-value.ts'
import type { JsonError } from './json-value.ts'

/** One execution in a list, as JSON: every field is there, null where there is nothing. */
export interface ExecutionRow {
  readonly id: string
  readonly graph: string
  readonly target: string
  readonly status: string
  readonly queue: string
  readonly priority: number
  readonly key: string | null
  readonly createdAt: string
  readonly startedAt: string | null
  readonly endedAt: string | null
  readonly updatedAt: string
  readonly deadline: string | null
  readonly owner: string | null
  readonly parent: string | null
  readonly forkedFrom: string | null
  readonly error: JsonError | null
  readonly incompatible: readonly string[]
}

/** An execution without its values: those may be large, and are shown on request alone. */
export function rowOf(info: ExecutionInfo): ExecutionRow {
  const { id, graph, target, status, queue, priority, incompatible } = info
  return {
    id,
    graph,
    target,
    status,
    queue,
    priority,
    key: info.key ?? null,
    createdAt: info.createdAt.toISOString(),
    startedAt: isoOf(info.startedAt),
    endedAt: isoOf(info.endedAt),
    updatedAt: info.updatedAt.toISOString(),
    deadline: isoOf(info.deadline),
    owner: info.owner ?? null,
    parent: info.parent ?? null,
    forkedFrom: info.forkedFrom ?? null,
    error: jsonErrorOf(info.error),
    incompatible,
  }
}

/** What stands in the place of a value of a sensitive type. */
export const hidden = '[sensitive]'

/** An execution with its steps, as JSON; with its values, but for those of sensitive types. */
export function detailsJson(details: ExecutionDetails, withValues = false): Record<string, unknown> {
  const closed = withValues ? details.sensitive : undefined
  return {
    ...rowOf(details),
    situation: details.situation,
    waitsFor: details.waitsFor === undefined ? null : jsonValueOf(details.waitsFor),
    headers: details.headers,
    isDetached: details.isDetached,
    inputs: recordJson(details.inputs, closed),
    overrides: recordJson(details.overrides, closed),
    ...(withValues && {
      output: details.sensitive.includes(details.target) ? hidden : jsonValueOf(details.output),
    }),
    lease:
      details.lease === undefined
        ? null
        : {
            owner: details.lease.owner,
            isAlive: details.lease.isAlive,
            renewedAt: isoOf(details.lease.renewedAt),
            expiresAt: isoOf(details.lease.expiresAt),
          },
    batch:
      details.batch === undefined
        ? null
        : { total: details.batch.total, written: details.batch.written, counts: details.batch.counts },
    steps: details.steps.map((step) => stepJson(step, withValues)),
    children: details.children.map(({ id, graph, target, status, createdAt, endedAt }) => ({
      id,
      graph,
      target,
      status,
      createdAt: isoOf(createdAt),
      endedAt: isoOf(endedAt),
    })),
  }
}

/** One step, as JSON. */
function stepJson(step: StepInfo, withValues: boolean): Record<string, unknown> {
  return {
    step: step.step,
    item: step.item ?? null,
    status: step.status,
    attempt: step.attempt ?? null,
    since: isoOf(step.since),
    queuedAt: isoOf(step.queuedAt),
    startedAt: isoOf(step.startedAt),
    endedAt: isoOf(step.endedAt),
    dueAt: isoOf(step.dueAt),
    waitsFor: step.waitsFor === undefined ? null : jsonValueOf(step.waitsFor),
    undo: step.undo === undefined ? null : step.undo.status,
    error: jsonErrorOf(step.error),
    attempts: step.attempts.map(({ attempt, startedAt, endedAt, owner, error }) => ({
      attempt,
      startedAt: isoOf(startedAt),
      endedAt: isoOf(endedAt),
      owner: owner ?? null,
      error: jsonErrorOf(error),
    })),
    ...(withValues && {
      output: step.isSensitive === true ? hidden : jsonValueOf(step.output),
    }),
  }
}

/** The names alone, or the values too, but for those of types that are closed. */
function recordJson(record: Readonly<Record<string, unknown>>, closed: readonly string[] | undefined): unknown {
  const names = Object.keys(record)
  if (closed === undefined) return names
  return Object.fromEntries(names.map((name) => [name, closed.includes(name) ? hidden : jsonValueOf(record[name])]))
}
