import { describeThrown } from '../../core/thrown.ts'

const warned = new WeakSet<object>()

/** Reports, once for each culprit, that an observer or an inspector has thrown. Nothing else comes of it. */
export function warnOnce(culprit: object, what: string, thrown: unknown): void {
  if (warned.has(culprit)) return
  warned.add(culprit)
  process.emitWarning(
    `${what} threw; executions are not affected, and its further throws are not reported. ${describeThrown(thrown)}`,
    'DocketObserverWarning',
  )
}
