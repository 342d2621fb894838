import { defineSteps as define } from '../../core/graph/define-steps.ts'
import { provideEveryKind } from './every-kind.ts'

/**
 * Gives `step`, `race` and the others, whose functions find what the call or the docket was given as `app` in `ctx.app`, with its type.
 * @function
 */
export const defineSteps: typeof define = () => {
  provideEveryKind()
  return define()
}
