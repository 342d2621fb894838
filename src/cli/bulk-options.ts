import type { OptionSpec } from './command-spec.ts'
import { filterOptions } from './filter-options.ts'

/** Options of acts on several executions. */
export const bulkOptions: readonly OptionSpec[] = [
  ...filterOptions,
  { flags: '--all', summary: 'all executions, where no id and no filter is given' },
  { flags: '-y, --yes', summary: 'does it without a question' },
  { flags: '--dry-run', summary: 'shows what it would be done to, and does nothing' },
]
