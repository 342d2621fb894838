import { join } from 'node:path'
import { createDocket, dataType, graph, step } from 'docket'
import type { CommandOptions } from 'docket'
import { sqliteStore } from 'docket/stores/sqlite'
import { z } from 'zod'

const Name = dataType('Name', z.string())
const Greeting = dataType('Greeting', z.string())
const greet = step({
  name: 'Greet',
  inputs: { name: Name },
  output: Greeting,
  persist: 'execution',
  run: ({ name }) => `Hello, ${name}!`,
})
const greetings = graph({ name: 'greetings', steps: [greet] })

// #region config
/** What the command line calls: `options` comes last, so that `docket list` takes over nothing. */
export function docket(options: CommandOptions) {
  return createDocket({
    graphs: [greetings],
    store: sqliteStore(process.env['SQLITE_FILE'] ?? join(import.meta.dirname, 'greetings.db')),
    ...options,
  })
}
// #endregion
