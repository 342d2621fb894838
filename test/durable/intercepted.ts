import { z } from 'zod'
import { dataType, graph, signal, step, subgraph, type } from '../../src/index.ts'
import type { Interceptor } from '../../src/index.ts'

export const Name = dataType('Name', z.string().min(1))
export const Greeting = dataType('Greeting', type<string>())
export const Letter = dataType('Letter', type<string>())
export const Approval = dataType('Approval', z.object({ by: z.string() }))
export const Sent = dataType('Sent', type<string>())

export const greet = step({
  name: 'Greet',
  inputs: { name: Name },
  output: Greeting,
  persist: 'execution',
  run: ({ name }, { headers }) => `Hello ${name}${headers['tenant'] === undefined ? '' : ` of ${headers['tenant']}`}`,
})
const write = step({
  name: 'Write',
  inputs: { greeting: Greeting },
  output: Letter,
  run: ({ greeting }) => `${greeting}!`,
})
export const letters = graph({ name: 'letters', steps: [greet, write] })
const send = step({
  name: 'Send',
  inputs: { letter: Letter, approval: Approval },
  output: Sent,
  run: ({ letter, approval }) => `${letter} (${approval.by})`,
})
export const posts = graph({ name: 'posts', steps: [subgraph(letters, Letter), signal(Approval), send] })

/** Writes down what passes, before and after. */
export function recorder(lines: string[], name = ''): Interceptor {
  const around =
    (hook: string, textOf: (call: never) => string) =>
    async (call: never, next: () => unknown): Promise<never> => {
      lines.push(`${name}${hook} ${textOf(call)}`)
      try {
        const result = await next()
        lines.push(`${name}${hook} done`)
        return result as never
      } catch (error) {
        lines.push(`${name}${hook} failed: ${(error as Error).message}`)
        throw error
      }
    }
  return {
    start: around(
      'start',
      ({ by, kind, graph: of, executionId }: { by: string; kind: string; graph: string; executionId: string }) =>
        `${kind} of ${of} by ${by}: ${executionId}`,
    ),
    step: around('step', ({ step: of, attempt }: { step: string; attempt: number }) => `${of} ${attempt}`),
    signal: around(
      'signal',
      ({ type: of, isWithStart }: { type: string; isWithStart: boolean }) => `${of}${isWithStart ? ' with start' : ''}`,
    ),
    emit: around('emit', ({ type: of, key }: { type: string; key: string }) => `${of} ${key}`),
    cancel: around('cancel', ({ executionId, by }: { executionId: string; by: string }) => `${executionId} by ${by}`),
    compensate: around('compensate', ({ step: of }: { step: string }) => of),
  }
}
