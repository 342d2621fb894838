import { OptionError } from '../../core/errors.ts'
import type { DocketContext } from './docket-context.ts'

/** @throws OptionError where a caller's transaction is given to a store that can't take part in one */
export function requireTransactions({ connection }: DocketContext, call: string, transaction: unknown): void {
  const { name, capabilities } = connection.store
  if (transaction !== undefined && !capabilities.transactions)
    throw new OptionError(`${call}: the ${name} store has no transactions`)
}
