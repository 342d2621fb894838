import { createHash } from 'node:crypto'
import type { Wake } from '../../core/contracts/engine.ts'

/** What a job of BullMQ carries: an execution's id, and nothing else. `b` where `e` could not stand in JSON that PostgreSQL takes. */
interface WakeData {
  readonly e?: string
  readonly b?: string
}

/** A wake as a job. */
export interface WakeJob {
  readonly name: string
  readonly data: WakeData
  readonly opts: {
    readonly deduplication: { readonly id: string; readonly keepLastIfActive: true }
    readonly removeOnComplete: true
    readonly removeOnFail: true
  }
}

const longestName = 80

/**
 * The job for a wake. It has no `jobId`: one that is taken would make the wake vanish while the job that has it runs. A wake that comes then is kept, and is
 * a job of its own afterwards. The epoch is part of what is compared, since a worker that is killed holds its job until that is swept: those who go on with
 * the execution are woken all the same.
 */
export function jobOf({ id, epoch }: Wake): WakeJob {
  return {
    name: 'wake',
    data: isPlain(id) ? { e: id } : { b: Buffer.from(id, 'utf16le').toString('base64url') },
    opts: {
      deduplication: { id: digestOf(JSON.stringify([id, epoch])), keepLastIfActive: true },
      removeOnComplete: true,
      removeOnFail: true,
    },
  }
}

/** The execution's id that a job carries; an empty one where it is not a job of ours. */
export function idOf(data: unknown): string {
  const { e, b } = (data ?? {}) as { readonly e?: unknown; readonly b?: unknown }
  if (typeof e === 'string') return e
  return typeof b === 'string' ? Buffer.from(b, 'base64url').toString('utf16le') : ''
}

/**
 * What BullMQ calls a queue. Its names have no colon; and those of others in the same schema are not ours. The name stays readable where it can, and short
 * enough for the names that PostgreSQL makes of it.
 */
export function queueNameOf(prefix: string, queue: string): string {
  const name = `${prefix}.${isPlain(queue) ? encodeURIComponent(queue) : ''}`
  if (isPlain(queue) && name.length <= longestName) return name
  return `${prefix}.${digestOf(JSON.stringify(queue))}`
}

/** Whether it can stand in JSON and in texts of PostgreSQL as it is. */
function isPlain(text: string): boolean {
  return text.isWellFormed() && !text.includes('\0')
}

function digestOf(text: string): string {
  return createHash('sha256').update(text, 'utf16le').digest('base64url').slice(0, 27)
}
