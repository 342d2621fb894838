import type { AnyGraph } from '../../core/graph/graph-index.ts'
import { outgoingHeaders } from '../../runtime/execution/observation.ts'
import type { DocketContext } from '../context/docket-context.ts'

type Headers = Readonly<Record<string, string>>

const noHeaders: Headers = Object.freeze({})

/** Headers that an execution begins with, once observers have had their say; `isChild`: a step of another one begins it. */
export function headersOut(
  { observers: own }: Pick<DocketContext, 'observers'>,
  { observers }: AnyGraph,
  given: Headers = noHeaders,
  isChild: boolean,
): Headers {
  const all = [...observers, ...own.all]
  return outgoingHeaders(all, given, isChild ? 'step' : 'call')
}
