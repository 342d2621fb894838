import type { WorkerState } from '../../core/contracts/worker-record.ts'
import { isRecord } from '../../core/is-record.ts'

/** A process that lives, with a docket on the same store. Times are by the store's clock. */
export interface WorkerInfo {
  /** What it is to the records that it owns: its name and a random id. */
  readonly owner: string
  /** The `name` that its docket was given. */
  readonly name: string
  /** The `version` that its docket was given; undefined where it was given none. */
  readonly version: string | undefined
  /** The slots that it has, by queue; none where it only starts executions and asks for them. */
  readonly queues: Readonly<Record<string, number>>
  /** Names of the graphs whose executions it runs. */
  readonly graphs: readonly string[]
  /** The machine that it runs on, as that calls itself. */
  readonly host: string
  /** Its number there. */
  readonly pid: number
  /** When its docket came to the store. */
  readonly since: Date
  /** Its last sign of life: when it renewed its lease. */
  readonly renewedAt: Date
  /** When it counts as dead, unless it renews. */
  readonly expiresAt: Date
  /** Whether it is the docket that was called. */
  readonly isHere: boolean
}

/** What a process says of itself. */
export interface WorkerDescription extends Pick<
  WorkerInfo,
  'owner' | 'name' | 'version' | 'queues' | 'graphs' | 'host' | 'pid'
> {
  /** Milliseconds since the epoch. */
  readonly since: number
}

/** As a store keeps it. */
export function textOfWorker(description: WorkerDescription): string {
  return JSON.stringify(description)
}

/** What was kept, read again; whatever another version of the program, or somebody else, has written there. @param now the store's time */
export function workerInfoOf(
  { worker, sinceRenewalMs, leaseLeftMs }: WorkerState,
  here: string,
  now: number,
): WorkerInfo {
  const said = parsed(worker)
  const text = (key: string): string | undefined => (typeof said[key] === 'string' ? said[key] : undefined)
  const { pid, since, queues, graphs } = said
  const owner = text('owner') ?? ''
  return {
    owner,
    name: text('name') ?? owner,
    version: text('version'),
    queues: isRecord(queues)
      ? Object.fromEntries(Object.entries(queues).filter((one): one is [string, number] => typeof one[1] === 'number'))
      : {},
    graphs: Array.isArray(graphs) ? graphs.filter((name) => typeof name === 'string') : [],
    host: text('host') ?? '',
    pid: typeof pid === 'number' ? pid : 0,
    since: new Date(typeof since === 'number' ? since : now - sinceRenewalMs),
    renewedAt: new Date(now - sinceRenewalMs),
    expiresAt: new Date(now + leaseLeftMs),
    isHere: owner === here,
  }
}

function parsed(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text)
    return isRecord(value) ? value : {}
  } catch {
    return {}
  }
}
