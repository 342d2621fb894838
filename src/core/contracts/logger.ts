/** The part of a pino logger that Docket uses; console-like loggers need a `child` of their own. */
export interface Logger {
  /** For what is of use while developing. */
  debug(fields: object, message?: string): void
  /** For what happens in the usual course. */
  info(fields: object, message?: string): void
  /** For what is tolerated, or tried again. */
  warn(fields: object, message?: string): void
  /** For what has failed for good. */
  error(fields: object, message?: string): void
  /** A logger that adds these fields to each of its lines. */
  child(bindings: Record<string, unknown>): Logger
}

/** A logger that says nothing: what `ctx.log` is when none was given. */
export const silentLogger: Logger = {
  debug() {},
  info() {},
  warn() {},
  error() {},
  child: () => silentLogger,
}
