import { join } from 'node:path'
import { createDocket } from 'docket'
import type { CommandOptions } from 'docket'
import { sqliteStore } from 'docket/stores/sqlite'
import { orders } from './graphs.ts'

// Beside this file, whatever folder a program or a command is called in.
const file = process.env['SQLITE_FILE'] ?? join(import.meta.dirname, 'orders.db')

/** Your docket: what the program runs, and what the command line looks at. */
export function docket(options: CommandOptions = {}) {
  return createDocket({
    graphs: [orders],
    store: sqliteStore(file),
    ...options,
  })
}
