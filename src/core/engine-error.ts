import { bareErrorOf } from './bare-error.ts'
import { DocketError, named } from './docket-error.ts'

/**
 * A call of an engine failed; `cause` is what its client threw. Nothing is lost by it: what is in the store runs all the same, only later.
 */
export class EngineError extends DocketError {
  static {
    named(this, 'EngineError')
  }

  /** The engine's name. */
  readonly engine: string
  /** Whether trying again may help: a lost connection does, a package that is not installed does not. */
  readonly isTransient: boolean

  constructor(engine: string, message: string, isTransient: boolean, options?: ErrorOptions) {
    super('ENGINE_FAILED', `${engine} engine: ${message}`, {}, options && { cause: bareErrorOf(options.cause) })
    this.engine = engine
    this.isTransient = isTransient
  }
}
