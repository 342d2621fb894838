import { describe, expect, test } from 'vitest'
import { AbortExecutionError, optional, step, StepError } from '../../../src/index.ts'
import { expectNoUnhandledErrors, graphOf, number, recorder, rejectionOf, run, stepErrorOf } from '../../loose-api.ts'

expectNoUnhandledErrors()

const Leaf = number('Leaf')
const Target = number('Target')

describe('optional(T)', () => {
  const A = number('A')
  const B = number('B')
  const C = number('C')
  const boom = new Error('boom')
  const fails = step({ name: 'fails', output: A, run: () => Promise.reject(boom) })

  test('gives undefined when the producer failed', async () => {
    const takes = step({
      name: 'takes',
      inputs: { a: optional(A) },
      output: Target,
      run: (inputs) => ('a' in inputs && inputs.a === undefined ? 1 : 0),
    })
    expect(await run(graphOf([fails, takes]), Target)).toBe(1)
  })

  test('gives undefined when nobody gave the leaf, and the value when somebody did', async () => {
    const takes = step({
      name: 'takes',
      inputs: { leaf: optional(Leaf) },
      output: Target,
      run: ({ leaf }) => leaf ?? -1,
    })
    const graph = graphOf([takes])
    expect(await run(graph, Target, {})).toBe(-1)
    expect(await run(graph, Target, { Leaf: 4 })).toBe(4)
  })

  test('skips the plain users of what failed, down to the optional one', async () => {
    const ran: string[] = []
    const { events, observer } = recorder()
    const graph = graphOf([
      fails,
      step({ name: 'plain', inputs: { a: A }, output: B, run: () => (ran.push('plain'), 1) }),
      step({ name: 'plainer', inputs: { b: B }, output: C, run: () => (ran.push('plainer'), 1) }),
      step({
        name: 'takes',
        inputs: { c: optional(C), a: optional(A) },
        output: Target,
        run: ({ c, a }) => (c ?? 10) + (a ?? 5),
      }),
    ])
    expect(await run(graph, Target, {}, { observers: [observer] })).toBe(15)
    expect(ran).toEqual([])
    const skipped = events.filter((event) => event.type === 'step.cancelled')
    expect(skipped.map(({ step, status }) => [step, status])).toEqual([
      ['plain', 'skipped'],
      ['plainer', 'skipped'],
    ])
    expect((skipped[0]!.reason as StepError).cause).toBe(boom)
  })

  test('is no help where the target needs the same type plainly too', async () => {
    const graph = graphOf([
      fails,
      step({ name: 'plain', inputs: { a: A }, output: B, run: () => 1 }),
      step({ name: 'takes', inputs: { a: optional(A), b: B }, output: Target, run: () => 1 }),
    ])
    expect((await stepErrorOf(run(graph, Target))).cause).toBe(boom)
  })

  test('tolerates no AbortExecutionError, wherever in the cause chain it is', async () => {
    const abort = new AbortExecutionError('stop')
    const cause = new Error('outer', { cause: new AggregateError([new Error('other'), abort]) })
    const aborts = step({ name: 'aborts', output: A, run: () => Promise.reject(cause) })
    const takes = step({ name: 'takes', inputs: { a: optional(A) }, output: Target, run: () => 1 })
    const error = await stepErrorOf(run(graphOf([aborts, takes]), Target))
    expect(error.cause).toBe(cause)
    expect(error.step).toBe('aborts')
  })

  test('an optional type is not optional as the target', async () => {
    const takes = step({ name: 'takes', inputs: { a: optional(A) }, output: Target, run: () => 1 })
    expect((await stepErrorOf(run(graphOf([fails, takes]), A))).cause).toBe(boom)
    expect(await rejectionOf(run(graphOf([fails, takes]), A))).toBeInstanceOf(StepError)
  })
})
