import { describe, expect, test } from 'vitest'
import { createDocket, dataType, GraphError, optional, step, type } from '../../../src/index.ts'
import { memoryStore } from '../../../stores/memory/index.ts'
import { looseGraph } from '../../loose-api.ts'

const Name = (name: string, formerly?: unknown) =>
  dataType(name, type<number>(), { ...(formerly !== undefined && { formerly: formerly as string }) })

function make(name: string, formerly: unknown, output = Name(`${name}Made`), inputs = {}) {
  return step({ name, formerly: formerly as string, inputs, output, run: () => 1 })
}

function problemsOf(declaration: object): readonly string[] {
  try {
    looseGraph({ name: 'shop', ...declaration })
    return []
  } catch (error) {
    expect(error).toBeInstanceOf(GraphError)
    return (error as GraphError).problems.map(({ message }) => message)
  }
}

describe('former names', () => {
  test('of graph, steps and types are one or several', () => {
    const Old = Name('Order', ['Purchase', 'Sale'])
    const steps = [make('Pay', 'Charge', Name('PayMade', 'Payment'), { order: Old }), make('Print', ['Show', 'Type'])]
    expect(problemsOf({ steps, formerly: ['store', 'stall'] })).toEqual([])
    expect(looseGraph({ name: 'shop', steps, formerly: 'stall' })).toMatchObject({ formerly: ['stall'] })
    expect(looseGraph({ name: 'shop', steps })).toMatchObject({ formerly: [] })
  })

  test('that can’t be are all reported at once', () => {
    const steps = [
      make('A', ''),
      make('B', 7),
      make('C', ['Old', 'Old']),
      make('D', 'D'),
      make('E', 'A'),
      make('F', 'Old'),
      make('G', '$items'),
      make('H', ['Older', null], Name('HMade', 'AMade')),
      make('I', undefined, Name('IMade', ['Gone', 'IMade']), { more: optional(Name('More', 'Gone')) }),
    ]
    expect(problemsOf({ steps, formerly: ['shop', 'stall', 'stall', ''] })).toEqual([
      'the graph: formerly has "shop", which is its own name; leave that out',
      'the graph: formerly has "stall" twice',
      'the graph: formerly must be a non-empty string or an array of them, the newest first, not an empty one',
      'step "A": formerly must be a non-empty string or an array of them, the newest first, not an empty one',
      'step "B": formerly must be a non-empty string or an array of them, the newest first, not 7',
      'step "C": formerly has "Old" twice',
      'step "D": formerly has "D", which is its own name; leave that out',
      'step "E": formerly has "A", but the graph has another step of that name, whose records they are',
      'step "F": formerly has "Old", but step "C" was called that too; only one of them can have its records',
      'step "G": formerly has "$items", but names that begin with "$" are reserved',
      'step "H": formerly must be a non-empty string or an array of them, the newest first, not null',
      'data type "HMade": formerly has "AMade", but the graph has another data type of that name, whose records they are',
      'data type "IMade": formerly has "Gone", but data type "More" was called that too; only one of them can have its records',
      'data type "IMade": formerly has "IMade", which is its own name; leave that out',
    ])
  })

  test('of one type are the same wherever it is declared', () => {
    const steps = [make('A', undefined, Name('Fact', 'Old')), make('B', undefined, Name('Sum'), { fact: Name('Fact') })]
    expect(problemsOf({ steps })).toEqual([
      'two data types are named "Fact" but have different former names (in steps "A" and "B"); types match by name, so share one declaration',
    ])
  })

  test('of a docket’s graphs are each of one graph alone', () => {
    const steps = [make('A', undefined)]
    const graphs = [
      looseGraph({ name: 'shop', steps, formerly: 'stall' }),
      looseGraph({ name: 'market', steps, formerly: ['shop', 'stall'] }),
    ]
    expect(() => createDocket({ graphs, store: memoryStore() })).toThrow(
      'graph "market" was formerly "shop", but another graph is named so, whose executions they are; graphs "shop" and "market" were both formerly "stall"; only one of them can have its executions',
    )
  })
})
