import type { PostVerdict, ReceiptPage } from '../../src/core/contracts/message.ts'
import { keyOf, Parameters } from './dialect.ts'
import type { Dialect, RunQuery } from './dialect.ts'
import { fromName } from './names.ts'

const pageSize = 1_000

/** Which of them. */
interface Request {
  /** SQL of their whole names, of rows `r`. */
  readonly whole: string
  readonly execution: string
  readonly next: string | undefined
}

/** A page of what is remembered of the messages to an execution, in the order of the key. */
export async function readReceiptPage(
  dialect: Dialect,
  run: RunQuery,
  { whole, execution, next }: Request,
): Promise<ReceiptPage> {
  const { list, add } = new Parameters(dialect)
  const isOf = `r.execution = ${add(keyOf(dialect)(execution))}`
  const isRest = next === undefined ? '' : `and r.name > ${add(next)}`
  const limit = add(pageSize)
  const text = `select r.name, ${whole} as whole, r.verdict from ${dialect.table('receipts')} r
    where ${isOf} ${isRest} order by r.name limit ${dialect.limit?.(limit) ?? limit}`
  const rows = await run({ text, parameters: list })
  const receipts = rows.map((row) => ({
    name: fromName(row['whole'] as string),
    verdict: row['verdict'] as PostVerdict,
  }))
  return { receipts, next: rows.length < pageSize ? undefined : (rows.at(-1)!['name'] as string) }
}
