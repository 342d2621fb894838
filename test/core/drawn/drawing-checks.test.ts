import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import {
  all,
  dataType,
  graph,
  GraphError,
  optional,
  resultsOfType,
  step,
  subgraph,
  type,
  untypedWorkflow,
  workflow,
} from '../../../src/index.ts'
import { graphOfDrawing } from '../../../src/core/drawn/drawn-graph.ts'
import type { AnyStep } from '../../../src/core/language/step.ts'
import { thrownBy } from '../../loose-api.ts'

const Word = dataType('Word', z.string().min(2))
const Length = dataType('Length', z.number())
const Text = dataType('Text', type<string>())

const measure = step({ name: 'measure', inputs: { word: Word }, output: Length, run: ({ word }) => word.length })
const join = step({
  name: 'join',
  inputs: { with: optional(Word) },
  results: { first: Length, second: Length },
  output: Text,
  run: (args, { results }) => `${results.first}${args.with ?? '+'}${results.second}`,
})
const sum = step({
  name: 'sum',
  results: {},
  output: Length,
  run: (_, { results }) => resultsOfType(results, Length).reduce((total, one) => total + one, 0),
})

/** The messages of all problems of a workflow. */
function problemsOf(flow: { readonly steps: unknown }): readonly string[] {
  const error = thrownBy(() => flow.steps)
  expect(error).toBeInstanceOf(GraphError)
  return (error as GraphError).problems.map(({ message }) => message)
}

const loose = (name: string, options?: unknown) => untypedWorkflow(name, options as never)
const joined = workflow('joined').add('first', measure, { word: 'one' })

describe('what is wrong with a workflow is said, all of it at once:', () => {
  const cases: readonly (readonly [string, { readonly steps: unknown }, readonly (string | RegExp)[]])[] = [
    ['no nodes', loose('x'), ['the workflow has no nodes; add at least one']],
    ['no name', loose('').add('a', measure, {}), [/the workflow has no name; a name is a non-empty string, not ""/]],
    [
      'reserved names',
      loose('$x')
        .add('$a', measure, {})
        .add('results', measure, {})
        .add('__proto__', measure, {})
        .add('a.args', measure, {}),
      [
        /the workflow has a name that begins with "\$"/,
        /node "\$a" has a name that begins/,
        /node "results" has the name of the record/,
        /node "__proto__" has a name that no record/,
        /node "a.args" has a name that ends with ".args"/,
      ],
    ],
    ['names twice', loose('x').add('a', measure, {}).add('a', measure, {}), [/two nodes are named "a"/]],
    [
      'unknown dependencies, with the nearest name',
      loose('x')
        .add('create_user', measure, {})
        .add('b', measure, {}, { dependsOn: ['creat_user'] }),
      [/node "b" depends on "creat_user", and there is no node of this name; did you mean "create_user"\?/],
    ],
    [
      'dependencies that come later, and on itself',
      loose('x')
        .add('a', measure, {}, { dependsOn: ['b', 'a'] })
        .add('b', measure, {}),
      [
        /node "a" depends on "b", which was not added before it/,
        /node "a" depends on "a", which was not added before it/,
      ],
    ],
    [
      'two steps of one name',
      loose('x')
        .add('a', measure, {})
        .add('b', step({ name: 'measure', output: Text, run: () => 'x' }), {}),
      [/there is another step named "measure" in the workflow/],
    ],
    [
      'what is no step',
      loose('x')
        .add('a', 3 as never, {})
        .add('b', { kind: 'step', name: 'q' } as never, {}),
      [/what it stands for is not a step/, /step "q" has no output that is a data type/],
    ],
    [
      'other kinds of steps',
      loose('x').add('a', subgraph(joined, joined.results) as AnyStep, {}),
      [/step "joined" is a subgraph; a workflow is made of functions/],
    ],
    [
      'ports of batches, and conditions',
      loose('x').add(
        'a',
        step({ name: 'q', inputs: { all: all(Word) }, output: Text, when: () => true, run: () => 'x' }),
        {},
      ),
      [/the input "all" of step "q" takes all items of a batch/, /step "q" has a when; in a workflow every node runs/],
    ],
    [
      'results that nothing gives',
      loose('x').add('a', join, {}),
      [
        /step "join" reads the result of "first", and the node depends on none of this name; say which one it is: reads: \{ first: '…' \}/,
        /"second"/,
      ],
    ],
    [
      'results that are not among the dependencies',
      loose('x')
        .add('first', measure, {})
        .add('second', measure, {})
        .add('a', join, {}, { dependsOn: ['first'] }),
      [/reads the result of "second"; add it to dependsOn/],
    ],
    [
      'results of another type',
      loose('x')
        .add('t', join, {}, { dependsOn: [] })
        .add('first', measure, {})
        .add('a', join, {}, { dependsOn: ['t', 'first'], reads: { second: 't' } }),
      [/"first"/, /"second"/, /reads "second" as a "Length", and "t" makes a "Text"/],
    ],
    [
      'results that hide others',
      loose('x')
        .add('first', measure, {})
        .add('b', measure, {})
        .add('second', measure, {})
        .add('a', join, {}, { dependsOn: ['first', 'b', 'second'], reads: { second: 'b' } }),
      [/it reads "b" as "second", and depends on another node of this name/],
    ],
    [
      'wrong policies and options',
      loose('x', {
        timeout: 0,
        queue: '',
        priority: 1.5,
        startAt: 'soon',
        defaults: { retry: { maxAttempts: 0 }, tmeout: 3 },
        colour: 'red',
      }).add('a', measure, {}, {
        timeout: 'soon',
        concurrency: { limit: 1, key: () => 'k' },
        retry: { maxAttempts: 2, backoff: () => 3, retryIf: () => true },
        persist: { scope: 'global', store: {} },
        priority: 'high',
        dependsOn: 'b',
        reads: { x: 'b' },
        colour: 'red',
      } as never),
      [
        /the workflow has the unknown option "colour"/,
        /node "a" has the unknown option "colour"/,
        /retry.retryIf is a function, which can't be stored/,
        /retry.backoff is a function of yours/,
        /persist.store can't be stored/,
        /the workflow: timeout is 0/,
        /the workflow: defaults has the unknown option "tmeout"; did you mean "timeout"/,
        /the workflow: defaults: retry.maxAttempts must be/,
        /the workflow: queue must be a non-empty string, not ""/,
        /the workflow: priority must be a whole number/,
        /the workflow: startAt must be a Date/,
        /node "a": concurrency.key is a function, which can't be stored/,
        /node "a": priority must be a whole number/,
        /node "a": dependsOn must be an array/,
        /node "a": reads has the unknown option "x"/,
      ],
    ],
  ]
  test.each(cases)('%s', (_, flow, expected) => {
    const found = problemsOf(flow)
    for (const one of expected) expect(found).toContainEqual(one instanceof RegExp ? expect.stringMatching(one) : one)
  })

  test('a step that reads results by name stands in no other graph', () => {
    const error = thrownBy(() => graph({ name: 'g', steps: [sum] }))
    expect(error).toMatchObject({
      message: expect.stringContaining(
        'step "sum" reads results of nodes by name (none), which a workflow alone gives',
      ) as unknown,
    })
  })
})

describe('a drawing from anywhere', () => {
  const known = { names: ['measure'], of: (name: string) => (name === 'measure' ? measure : undefined) }
  const node = { name: 'a', step: 'measure' }
  const strange: readonly (readonly [string, unknown, RegExp])[] = [
    ['nothing', undefined, /can't be read by this version of docket.*it is undefined/],
    ['a text', 'drawing', /it is "drawing"/],
    ['of a later form', { version: 2 }, /its version is 2/],
    ['without nodes', { version: 1, name: 'x' }, /nodes must be an array, not undefined/],
    [
      'of nodes that are none',
      { version: 1, name: 'x', nodes: [null, 3, []] },
      /nodes\[0\] must be an object, not null/,
    ],
    ['of nameless nodes', { version: 1, name: 'x', nodes: [{ step: 'measure' }] }, /nodes\[0\] has no name/],
    [
      'of unknown steps',
      { version: 1, name: 'x', nodes: [{ name: 'a', step: 'mesure' }] },
      /stands for step "mesure", which is not known here; did you mean "measure"\?/,
    ],
    [
      'of steps that are no names',
      { version: 1, name: 'x', nodes: [{ name: 'a', step: { toString: 3 } }] },
      /its step must be the name of one/,
    ],
    [
      'with unknown keys',
      { version: 1, name: 'x', nodes: [{ ...node, run: 'rm -rf' }], evil: 1 },
      /unknown option "evil"/,
    ],
    [
      'with inherited names',
      { version: 1, name: 'x', nodes: [{ name: 'a', step: 'constructor', dependsOn: ['toString'] }] },
      /depends on "toString"/,
    ],
    [
      'with a cycle',
      {
        version: 1,
        name: 'x',
        nodes: [
          { ...node, dependsOn: ['c'] },
          { ...node, name: 'b', dependsOn: ['a'] },
          { ...node, name: 'c', dependsOn: ['b'] },
          { ...node, name: 'd', dependsOn: ['c'] },
        ],
      },
      /the nodes form a cycle: .*a → b → c|b → c → a|c → a → b/,
    ],
    [
      'that waits for itself',
      { version: 1, name: 'x', nodes: [{ ...node, dependsOn: ['a'] }] },
      /the nodes form a cycle: a → a/,
    ],
    [
      'with a backoff that is none',
      {
        version: 1,
        name: 'x',
        nodes: [{ ...node, retry: { maxAttempts: 2, backoff: { exponential: 'x', evil: 1 } } }],
      },
      /unknown option "evil"/,
    ],
    ['with a time beyond time', { version: 1, name: 'x', nodes: [{ ...node, startAt: 1e300 }] }, /startAt must be/],
    [
      'of a part that is no name',
      { version: 1, name: 'x', nodes: [node], part: 5 },
      /part must be the name of a node, not 5/,
    ],
    [
      'of a part that it does not have',
      { version: 1, name: 'x', nodes: [node], part: 'b' },
      /has no node "b" that runs in a queue/,
    ],
    [
      'of a part without a queue',
      { version: 1, name: 'x', nodes: [node], part: 'a' },
      /has no node "a" that runs in a queue/,
    ],
    [
      'with a name as long as a book',
      { version: 1, name: 'x', nodes: [{ ...node, step: 'x'.repeat(1e6) }] },
      /which is not known here/,
    ],
  ]
  test.each(strange)('%s is refused in words', (_, drawing, message) => {
    const error = thrownBy(() => graphOfDrawing(drawing, known)) as Error
    expect(error).toBeInstanceOf(GraphError)
    expect(error.message).toMatch(message)
    expect(error.message.length).toBeLessThan(2_000)
  })

  test('may have its nodes in any order', async () => {
    const nodes = [{ ...node, name: 'b', dependsOn: ['a'] }, node]
    expect(graphOfDrawing({ version: 1, name: 'x', nodes }, known).steps.map(({ name }) => name)).toEqual([
      'a',
      'b',
      'results',
    ])
  })

  test('of two thousand nodes in a row is put in order without the stack', () => {
    const nodes = Array.from({ length: 2_000 }, (_, index) => ({
      name: `n${index}`,
      step: 'measure',
      dependsOn: index === 0 ? [] : [`n${index - 1}`],
    })).toReversed()
    expect(graphOfDrawing({ version: 1, name: 'x', nodes }, known).steps).toHaveLength(2_001)
  })
})
