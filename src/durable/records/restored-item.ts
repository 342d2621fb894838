import type { PersistedExecution } from '../../runtime/execution/execution-view.ts'
import type { Undoings } from '../../runtime/results/undoings.ts'
import type { RestoredBatch } from './restore-batch.ts'

/** What the records of a batch say of an item, or, under '', of what all of them share; undefined where they say nothing. */
export function restoredItemOf(
  { id: executionId, graph, target }: { readonly id: string; readonly graph: string; readonly target: string },
  { undos, views, failing }: Pick<RestoredBatch, 'undos' | 'views' | 'failing'>,
  key: string,
): PersistedExecution | undefined {
  const known = undos.of(key, views.of(key))
  const failure = failing.get(key)
  if (known === undefined && failure === undefined) return undefined
  const times = { startedAt: undefined, endedAt: undefined }
  return {
    value: failure === undefined ? 'pending' : 'compensating',
    head: { executionId, graph, target, total: 0, settled: 0, ...times, undos: known?.undos },
    input: undefined,
    output: undefined,
    error: failure?.error,
    steps: known?.steps ?? new Map(),
    givenInputs: known?.givenInputs,
  }
}

/** How often what the steps of a batch did was undone; undefined where nothing is known of that. */
export function undoingsOfItems(
  restored: Pick<RestoredBatch, 'undos'> | undefined,
  keys: readonly string[],
): Undoings | undefined {
  if (restored === undefined) return undefined
  const { undos } = restored
  return { of: (step, item) => undos.countOf(step, item === undefined ? '' : keys[item]!), add: () => {} }
}
