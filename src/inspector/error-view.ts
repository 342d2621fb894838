import { describeThrown, isError, readOf } from '../core/thrown.ts'
import type { ErrorView } from './protocol.ts'

const longestMessage = 500
const mostCauses = 10

/** What a person needs of something that was thrown; undefined where there is nothing. */
export function errorViewOf(thrown: unknown, withCauses = false): ErrorView | undefined {
  if (thrown === undefined) return undefined
  const causes = withCauses ? causesOf(thrown) : []
  return { ...headOf(thrown), ...(causes.length > 0 && { causes }) }
}

function causesOf(thrown: unknown): NonNullable<ErrorView['causes']> {
  const causes: ReturnType<typeof headOf>[] = []
  const seen = new Set([thrown])
  for (
    let cause = readOf(thrown, 'cause');
    cause !== undefined && causes.length < mostCauses;
    cause = readOf(cause, 'cause')
  ) {
    if (seen.has(cause)) break
    seen.add(cause)
    causes.push(headOf(cause))
  }
  return causes
}

function headOf(thrown: unknown): { readonly name: string; readonly message: string; readonly code?: string } {
  const [name, message, code] = ['name', 'message', 'code'].map((key) => readOf(thrown, key))
  return {
    name: cut(isError(thrown) && typeof name === 'string' ? name : 'thrown', 100),
    message: cut(isError(thrown) && typeof message === 'string' ? message : describeThrown(thrown), longestMessage),
    ...((typeof code === 'string' || typeof code === 'number') && { code: cut(String(code), 100) }),
  }
}

function cut(text: string, length: number): string {
  return text.length <= length ? text : `${text.slice(0, length - 1)}…`
}
