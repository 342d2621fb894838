import type { DocketOptions } from './docket-options.ts'

/**
 * What the command line hands to the function of `docket.config.ts`, to be spread into `createDocket` after all other options: by it a command that only looks takes over nothing,
 * declares nothing and runs nothing.
 *
 * @example
 * export const docket = (options: CommandOptions) => createDocket({ graphs: [orders], store: sqliteStore('orders.db'), ...options })
 */
export type CommandOptions = Pick<
  DocketOptions,
  'takeOver' | 'work' | 'schedules' | 'queues' | 'retain' | 'engine' | 'name'
>
