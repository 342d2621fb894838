import { createDocket } from 'docket'
import type { CommandOptions } from 'docket'
import { sqliteStore } from 'docket/stores/sqlite'
import { orders } from './graphs.ts'

/** Your docket: what the program runs, and what the command line looks at. */
export function docket(options: CommandOptions = {}) {
  return createDocket({
    graphs: [orders],
    store: sqliteStore(process.env['SQLITE_FILE'] ?? 'orders.db'),
    ...options,
  })
}
