import type { OptionSpec } from './command-spec.ts'
import { readDuration, readInteger, readTimeToCome } from './read-options.ts'

/** Options of commands that begin executions. */
export const startOptions: readonly OptionSpec[] = [
  {
    flags: '-i, --input <json>',
    summary: 'inputs as JSON by their types, or one as Type=JSON; @file and - read them from a file and from stdin',
    isRepeatable: true,
  },
  { flags: '--override <json>', summary: 'values for types that steps make, in the same forms', isRepeatable: true },
  { flags: '--id <id>', summary: 'the id of the execution: the same one is started once' },
  { flags: '--queue <name>', summary: 'the queue that it waits in' },
  { flags: '--key <key>', summary: 'the key that it is in turn with' },
  { flags: '--priority <n>', summary: 'higher ones of its queue begin first', read: readInteger },
  {
    flags: '--deadline <time>',
    summary: 'when it ends at the latest: an ISO time, or 2h for in two hours',
    read: readTimeToCome,
  },
  {
    flags: '--timeout-of <duration>',
    summary: 'how long it may take, in the place of its graph’s timeout',
    read: readDuration,
  },
]
