import { isRecord } from '../../core/is-record.ts'
import { isRemoteStep } from '../../core/language/remote-step.ts'
import type { StepSpec } from '../../core/graph/graph-index.ts'

/** What a request to another service has come to, as it is on record: from there any process goes on. */
export interface RemoteState {
  /** The operation that is requested. */
  readonly operation: string
  /** Which request it is, from 1: another one is made once the last has failed, and the execution is tried again. */
  readonly request: number
  /** What the other service calls it; undefined until it has answered. */
  readonly token: string | undefined
  /** How often it has been called in a row. */
  readonly polls: number
  /** When it is polled next, in milliseconds since the epoch. */
  readonly nextAt: number
}

/** What is on record of a request; undefined for what is something else. */
export function remoteStateOf(kept: unknown): RemoteState | undefined {
  const isOne = isRecord(kept) && typeof kept['operation'] === 'string' && typeof kept['request'] === 'number'
  return isOne ? (kept as unknown as RemoteState) : undefined
}

/** Why a step can't go on from what its work was at, of which one is, or was, a request to another service; undefined where it can. */
export function misfitOfRemote({ name, step }: StepSpec, kept: unknown): string | undefined {
  const state = remoteStateOf(kept)
  if (isRemoteStep(step)) {
    if (state?.operation === step.operation) return undefined
    const was =
      state === undefined
        ? 'was no operation of another service'
        : `was done by another service as "${state.operation}"`
    return `step "${name}" ${was}, and asks for "${step.operation}" now`
  }
  return `step "${name}" was done by another service as "${state?.operation}", and is not any more`
}
