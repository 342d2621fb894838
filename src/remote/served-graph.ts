import { durableStep } from '../runtime/kinds/durable-step.ts'
import { graph } from '../core/graph/graph.ts'
import type { AnyGraph } from '../core/graph/graph-index.ts'
import { exponential } from '../core/language/backoff.ts'
import { dataType, type } from '../core/language/data-type.ts'
import { step } from '../core/language/step.ts'
import { isRecord } from '../core/is-record.ts'
import { ExecutionCancelledError } from '../core/errors.ts'
import { describeThrown, readOf } from '../core/thrown.ts'
import type { Implementation } from './implementation.ts'
import { checkedValue } from './check-value.ts'
import { jsonOf } from './json-value.ts'

/** What an operation came to, as it goes on record and over the wire. */
export type Outcome =
  | { readonly state: 'completed'; readonly value: unknown }
  | { readonly state: 'failed' | 'cancelled'; readonly message: string; readonly code: string | undefined }

const requestType = (sensitive: boolean) =>
  dataType('docket.request', type<{ readonly value: unknown }>(), { sensitive })
const outcomeType = (sensitive: boolean) => dataType('docket.outcome', type<Outcome>(), { sensitive })

/** The types of the graphs that stand around those of operations. */
export const RequestType = requestType(false)
export const OutcomeType = outcomeType(false)
export const Notified = dataType('docket.notified', type<{ readonly status: string }>())
export const Cancel = dataType('docket.cancel', type<{ readonly reason: string }>())

/** Notifies the caller of an execution what it came to. Throws where that is to be tried again. */
export type Notify = (
  executionId: string,
  headers: Readonly<Record<string, string>>,
  outcome: Outcome,
  signal: AbortSignal,
) => Promise<string>

const mostTries = 20

/**
 * The graph of which an execution serves one request: it lets the operation's own graph do the work, as its child, keeps what that came to, and notifies the caller. That
 * is an execution like any other, so that a death in the middle changes nothing.
 */
export function servedGraph(implementation: Implementation, notify: Notify): AnyGraph {
  const { operation } = implementation
  const isSensitive = operation.output.isSensitive === true
  // What holds a sensitive value is as sensitive.
  const [Request, Made] = [requestType(operation.input.isSensitive === true), outcomeType(isSensitive)]
  const operate = durableStep({
    name: 'Operate',
    inputs: { request: Request },
    output: Made,
    receives: [Cancel],
    run: async ({ request }, ctx): Promise<Outcome> => {
      try {
        const inputs = await inputsOf(implementation, request.value)
        const child = await ctx.start(implementation.graph, implementation.target as never, inputs as never)
        const result = child.result()
        const first = await Promise.race([
          result.then(
            () => 'ended',
            () => 'ended',
          ),
          ctx.receive(Cancel),
        ])
        if (first !== 'ended') await child.cancel('the caller has cancelled the operation')

        const value: unknown = await result

        const answer = implementation.output === undefined ? value : implementation.output(value)
        // What can't be sent is no answer.
        jsonOf(answer, `the answer of "${operation.name}"`, isSensitive)
        return { state: 'completed', value: answer }
      } catch (error) {
        ctx.signal.throwIfAborted()
        return {
          state: error instanceof ExecutionCancelledError ? 'cancelled' : 'failed',
          message: describeThrown(error),
          code: codeOf(error),
        }
      }
    },
  })
  const answer = step({
    name: 'Notify',
    inputs: { outcome: Made },
    output: Notified,
    persist: 'execution',
    retry: { maxAttempts: mostTries, backoff: exponential('1s', { max: '5m', jitter: 0.5 }) },
    timeout: '1m',
    // The caller asks by itself, too.
    fallback: { status: 'not notified' },
    run: async ({ outcome }, { executionId, headers, signal }) => ({
      status: await notify(executionId, headers, outcome as Outcome, signal),
    }),
  })
  return graph({ name: `remote:${operation.name}`, steps: [operate, answer] })
}

/** What the operation's graph is given. @throws what the request does not fit */
async function inputsOf({ operation, inputs }: Implementation, given: unknown): Promise<unknown> {
  if (inputs === undefined) return { [operation.input.name]: given }
  return inputs(await checkedValue(operation.input, given))
}

function codeOf(error: unknown): string | undefined {
  const code: unknown = isRecord(error) || error instanceof Error ? readOf(error, 'code') : undefined
  return typeof code === 'string' ? code : undefined
}
