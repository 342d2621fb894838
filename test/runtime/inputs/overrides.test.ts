import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { dataType, step } from '../../../src/index.ts'
import type { InputError } from '../../../src/index.ts'
import { expectNoUnhandledErrors, graphOf, rejectionOf, run } from '../../loose-api.ts'
import { A, B, C, Target, chain } from './chain.ts'

expectNoUnhandledErrors()

describe('overrides', () => {
  test('take the place of a step and of what only it needs', async () => {
    const { graph, ran } = chain()
    expect(await run(graph, Target, {}, { overrides: { C: 5 } })).toBe(50)
    expect(ran).toEqual(['d', 't'])
  })

  test('may stand beside leaves that they make unnecessary', async () => {
    const { graph, ran } = chain()
    expect(await run(graph, Target, { A: 1, B: 2 }, { overrides: { D: 7 } })).toBe(7)
    expect(ran).toEqual(['t'])
  })

  test('prune nothing that something else needs', async () => {
    const ran: string[] = []
    const graph = graphOf([
      step({ name: 'b', inputs: { a: A }, output: B, run: () => (ran.push('b'), 1) }),
      step({ name: 'c', inputs: { b: B }, output: C, run: () => (ran.push('c'), 1) }),
      step({ name: 't', inputs: { b: B, c: C }, output: Target, run: ({ b, c }) => (ran.push('t'), b + c) }),
    ])
    expect(await run(graph, Target, { A: 1 }, { overrides: { C: 10 } })).toBe(11)
    expect(ran).toEqual(['b', 't'])
  })

  test('of the target itself run nothing', async () => {
    const { graph, ran } = chain()
    expect(await run(graph, Target, {}, { overrides: { Target: 3 } })).toBe(3)
    expect(ran).toEqual([])
  })

  test('of an optional input are taken', async () => {
    const { graph } = chain()
    expect(await run(graph, Target, { E: 1 }, { overrides: { D: 7 } })).toBe(8)
  })

  test('are checked by the type’s schema', async () => {
    const Checked = dataType('Checked', z.number())
    const graph = graphOf([
      step({ name: 'c', output: Checked, run: () => 1 }),
      step({ name: 't', inputs: { c: Checked }, output: Target, run: ({ c }) => c }),
    ])
    expect(await rejectionOf(run(graph, Target, {}, { overrides: { Checked: 'x' } }))).toMatchObject({
      code: 'INPUT_INVALID',
      issues: [{ path: ['Checked'] }],
    })
  })

  test('that no step makes, or that the target does not need, are refused all at once', async () => {
    const { graph, ran } = chain()
    const overrides = { A: 1, Y: 2, Zebra: 3, c: 4 }
    const error = (await rejectionOf(run(graph, Target, { A: 1, B: 2 }, { overrides }))) as InputError
    expect(error.issues.map(({ message }) => message)).toEqual([
      'unknown override: no step makes it; give it in the inputs',
      expect.stringContaining('Target does not need it'),
      expect.stringContaining('no such type in the graph'),
      expect.stringContaining('did you mean "C"?'),
    ])
    expect(ran).toEqual([])
  })

  test('that are undefined count as not given, and null is a value', async () => {
    const { graph } = chain()
    expect(await run(graph, Target, { A: 1, B: 2 }, { overrides: { C: undefined } })).toBe(30)
    expect(await run(graph, Target, {}, { overrides: { D: null } })).toBe(0)
  })

  test('are part of what an id stands for', async () => {
    const graph = graphOf([
      step({ name: 'c', output: C, run: () => 1 }),
      step({ name: 't', inputs: { c: C }, output: Target, persist: 'execution', run: ({ c }) => c }),
    ])
    expect(await run(graph, Target, {}, { id: 'over', overrides: { C: 2 } })).toBe(2)
    expect(await rejectionOf(run(graph, Target, {}, { id: 'over', overrides: { C: 3 } }))).toMatchObject({
      code: 'EXECUTION_CONFLICT',
    })
  })
})
