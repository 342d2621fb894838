/** The docket of an application, as its other modules import it. */
import { createDocket, dataType, graph, signal, step } from 'docket'
import type { Docket } from 'docket'
import { sqliteStore } from 'docket/stores/sqlite'
import { z } from 'zod'

export const Approval = dataType('Approval', z.object({ by: z.string() }))
export const Decision = dataType('Decision', z.string())
// In earnest it is the text below that changes between two loads.
const version = new URL(import.meta.url).search.slice(1)
const decide = step({
  name: 'Decide',
  inputs: { approval: Approval },
  output: Decision,
  run: ({ approval }) => `approved by ${approval.by}, says the code of load ${version}`,
})
export const expenses = graph({ name: 'expenses', steps: [signal(Approval), decide] })

const file = process.env['EXPENSES_FILE'] ?? 'expenses.db'

// #region keep
// A development server loads this module anew when its code has changed, in the same process. The docket of the code before would go on working
// beside the new one, so it is closed, and the new one goes on with what it had.
const kept = globalThis as typeof globalThis & { docket?: Docket }
await kept.docket?.close({ deadline: 0 })
export const docket = (kept.docket = createDocket({ graphs: [expenses], store: sqliteStore(file) }))
// #endregion
