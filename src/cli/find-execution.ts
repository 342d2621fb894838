import type { Docket, ExecutionHandle } from '../index.ts'
import { didYouMean } from '../core/closest-name.ts'
import { CliError, exitCodes } from './cli-error.ts'

/** The execution of an id. @throws CliError where there is none, with the newest one that is called nearly so */
export async function requireExecution(docket: Docket, id: string): Promise<ExecutionHandle<unknown>> {
  const handle = await docket.get(id)
  if (handle !== undefined) return handle
  const { executions } = await docket.list({ limit: 200 })
  const hint = didYouMean(
    id,
    executions.map((one) => one.id),
  )
  throw new CliError(exitCodes.notFound, `there is no execution "${id}": it was deleted, or never started${hint}`)
}
