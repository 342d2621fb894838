import type { AnyGraph, Docket, ExecutionHandle } from '../index.ts'
import { didYouMean } from '../core/closest-name.ts'
import { requireIndex } from '../core/graph/plan.ts'
import { dataType, type } from '../core/language/data-type.ts'
import type { AnyDataType } from '../core/language/data-type.ts'
import { isUpdateType } from '../core/language/update.ts'
import { graphNamed } from './cli-call.ts'
import { CliError, exitCodes } from './cli-error.ts'

/**
 * The data type of a name that an execution may be sent: as its graph declares it, where that is known here, so that what is sent is checked; else one of this name.
 * @throws CliError for a name that its graph does not have, and where it can't be sent as the execution's values were
 */
export async function typeNamed(
  docket: Docket,
  handle: ExecutionHandle<unknown>,
  name: string,
  isUpdate: boolean,
): Promise<AnyDataType> {
  const { graph: graphName, incompatible } = await handle.info()
  const graph = graphNamed(docket, graphName)
  if (graph === undefined) {
    if (incompatible.length > 0)
      throw new CliError(
        exitCodes.refused,
        `what is sent might not be stored as the values of this execution are, which can’t be read here: ${incompatible.join('; ')}; send it with a docket.config.ts, whose docket has their codecs`,
      )
    const unchecked = dataType(name, type<unknown>()) as unknown as AnyDataType
    return isUpdate ? ({ ...unchecked, result: unchecked } as AnyDataType) : unchecked
  }
  const known = receivedTypes(graph).filter((one) => isUpdateType(one) === isUpdate)
  const found = known.find((one) => one.name === name)
  if (found !== undefined) return found
  const names = known.map((one) => one.name)
  const what = isUpdate ? 'update' : 'signal'
  throw new CliError(
    exitCodes.usage,
    `graph "${graph.name}" waits for no ${what} "${name}"${didYouMean(name, names) || `; it has: ${names.join(', ') || 'none'}`}`,
  )
}

/** What steps of a graph wait for from outside. */
function receivedTypes(graph: AnyGraph): readonly AnyDataType[] {
  const types = new Map<string, AnyDataType>()
  for (const { kind, output, receives } of requireIndex(graph).specs) {
    if (kind === 'signal') types.set(output.name, output)
    for (const one of receives) types.set(one.name, one)
  }
  return [...types.values()]
}
