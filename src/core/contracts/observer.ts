import type { ExecutionEvent } from './events.ts'
import type { Logger } from './logger.ts'

/**
 * Gets every event of an execution, synchronously and in order. What it throws never touches the
 * execution. An observer with a `logger` also lends it to `ctx.log`.
 */
export type Observer =
  ((event: ExecutionEvent) => void) | { next(event: ExecutionEvent): void; readonly logger?: Logger | undefined }
