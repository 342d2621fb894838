import type { OptionSpec } from './command-spec.ts'
import { readTime } from './read-options.ts'
import { readStatuses, readWait } from './read-words.ts'

/** The options by which commands choose executions. */
export const filterOptions: readonly OptionSpec[] = [
  { flags: '--status <status>', summary: 'in this status; several with commas between them', read: readStatuses },
  { flags: '--graph <name>', summary: 'of this graph, whatever it was called before' },
  { flags: '--queue <name>', summary: 'in this queue' },
  { flags: '--key <key>', summary: 'with this key' },
  { flags: '--parent <id>', summary: 'children of this execution' },
  { flags: '--forked-from <id>', summary: 'forks of this execution' },
  { flags: '--waits-for <what>', summary: 'that wait for signal:NAME, event:NAME[:KEY] or timer:NAME', read: readWait },
  { flags: '--error-code <code>', summary: 'that ended with an error of this code: STEP_FAILED' },
  { flags: '--from <time>', summary: 'created then or later: an ISO time, or 2h for two hours ago', read: readTime },
  { flags: '--before <time>', summary: 'created before then', read: readTime },
]
