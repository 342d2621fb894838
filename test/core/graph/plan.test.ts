import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { all, dataType, explain, GraphError, InputError, optional, step } from '../../../src/index.ts'
import type { ExplainedPlan } from '../../../src/core/graph/explained-plan.ts'
import type { AnyGraph } from '../../../src/core/graph/graph-index.ts'
import { graphOf, number, run, thrownBy, uniqueName } from '../../loose-api.ts'

const seed = Number(process.env['SEED'] ?? Date.now() % 2 ** 31)

const looseExplain = explain as unknown as (
  graph: AnyGraph,
  target: unknown,
  inputs?: unknown,
  options?: unknown,
) => ExplainedPlan

const [UserID, Profile, Preferences, User, Locale, Page, Ad] = [
  'UserID',
  'Profile',
  'Preferences',
  'User',
  'Locale',
  'Page',
  'Ad',
].map(number) as ReturnType<typeof number>[]

function users(name = uniqueName()) {
  const counted = { runs: 0 }
  const ran = () => ++counted.runs
  const steps = [
    step({ name: 'renderPage', inputs: { user: User!, locale: optional(Locale!) }, output: Page!, run: ran }),
    step({ name: 'enrich', inputs: { profile: Profile!, preferences: Preferences! }, output: User!, run: ran }),
    step({ name: 'fetchProfile', inputs: { id: UserID! }, output: Profile!, persist: 'global', run: ran }),
    step({ name: 'fetchPreferences', inputs: { id: UserID! }, output: Preferences!, run: ran }),
    step({ name: 'pickAd', inputs: { page: Page! }, output: Ad!, run: ran }),
  ]
  return { graph: graphOf(steps, { name }), counted }
}

const namesOf = (types: readonly { readonly name: string }[]) => types.map(({ name }) => name)

describe('a graph reports', () => {
  test('its types and its leaves in the order in which steps name them', () => {
    const { graph } = users()
    expect(namesOf(graph.types())).toEqual(['User', 'Locale', 'Page', 'Profile', 'Preferences', 'UserID', 'Ad'])
    expect(namesOf(graph.leaves())).toEqual(['Locale', 'UserID'])
  })

  test('the leaves of one target', () => {
    const { graph } = users()
    expect(namesOf(graph.leaves(User))).toEqual(['UserID'])
    expect(namesOf(graph.leaves(Page))).toEqual(['Locale', 'UserID'])
    expect(namesOf(graph.leaves(UserID))).toEqual(['UserID'])
  })

  test('that it knows no such type', () => {
    expect(thrownBy(() => users().graph.leaves(number('Nowhere')))).toBeInstanceOf(GraphError)
    expect(() => users().graph.leaves(number('Uzer'))).toThrow('no step makes or takes "Uzer"; did you mean "User"?')
  })

  test('its steps as they were listed, and lets nobody change them', () => {
    const { graph } = users()
    expect(graph.steps.map(({ name }) => name)).toEqual([
      'renderPage',
      'enrich',
      'fetchProfile',
      'fetchPreferences',
      'pickAd',
    ])
    expect(Object.isFrozen(graph)).toBe(true)
    expect(Object.isFrozen(graph.steps)).toBe(true)
    expect(() => (graph.steps as unknown[]).push(1)).toThrow(TypeError)
  })

  test('the same whatever happens to the array that it was made from', () => {
    const steps: unknown[] = [...users().graph.steps]
    const graph = graphOf(steps)
    steps.length = 0
    expect(graph.steps).toHaveLength(5)
    expect(graph.leaves()).toHaveLength(2)
  })
})

describe('explain', () => {
  test('gives the steps that the target needs in topological order, with levels and edges', () => {
    const { graph } = users()
    const plan = looseExplain(graph, Page, { UserID: 1 })
    expect(plan).toMatchObject({ graph: graph.name, target: 'Page', missing: [], unknown: [] })
    expect(plan.steps.map(({ name, level, will }) => [name, level, will])).toEqual([
      ['fetchProfile', 0, 'run'],
      ['fetchPreferences', 0, 'run'],
      ['enrich', 1, 'run'],
      ['renderPage', 2, 'run'],
    ])
    expect(plan.levels).toEqual([['fetchProfile', 'fetchPreferences'], ['enrich'], ['renderPage']])
    expect(plan.edges).toEqual([
      { from: 'UserID', to: 'fetchProfile', type: 'UserID' },
      { from: 'UserID', to: 'fetchPreferences', type: 'UserID' },
      { from: 'fetchProfile', to: 'enrich', type: 'Profile' },
      { from: 'fetchPreferences', to: 'enrich', type: 'Preferences' },
      { from: 'enrich', to: 'renderPage', type: 'User' },
      { from: 'Locale', to: 'renderPage', type: 'Locale' },
    ])
    expect(plan.leaves).toEqual([
      { type: 'UserID', isGiven: true, isRequired: true, isSensitive: false, overrides: undefined },
      { type: 'Locale', isGiven: false, isRequired: false, isSensitive: false, overrides: undefined },
    ])
    expect(plan.steps[3]).toEqual({
      name: 'renderPage',
      kind: 'step',
      isConditional: false,
      output: 'Page',
      level: 2,
      will: 'run',
      isSensitive: false,
      isUndoable: false,
      inputs: [
        { port: 'user', type: 'User', kind: 'plain' },
        { port: 'locale', type: 'Locale', kind: 'optional' },
      ],
    })
  })

  test('runs nothing', () => {
    const { graph, counted } = users()
    looseExplain(graph, Ad, { UserID: 1, Locale: 2 })
    expect(counted.runs).toBe(0)
  })

  test('shows what is missing and what it blocks', () => {
    const plan = looseExplain(users().graph, Page, {})
    expect(plan.missing).toEqual(['UserID'])
    expect(plan.steps.map(({ will }) => will)).toEqual(['blocked', 'blocked', 'blocked', 'blocked'])
  })

  test('shows what is given and not needed', () => {
    expect(looseExplain(users().graph, User, { UserID: 1, Locale: 2, Zebra: 3, Page: undefined }).unknown).toEqual([
      'Locale',
      'Zebra',
    ])
  })

  test('shows overrides, and leaves out what only they needed', () => {
    const plan = looseExplain(users().graph, Page, {}, { overrides: { User: 5 } })
    expect(plan.steps.map(({ name }) => name)).toEqual(['renderPage'])
    expect(plan.leaves[0]).toEqual({
      type: 'User',
      isGiven: true,
      isRequired: true,
      isSensitive: false,
      overrides: 'enrich',
    })
    expect(plan.missing).toEqual([])
  })

  test('shows what is remembered, and what may be', async () => {
    const { graph } = users()
    const after = graphOf(
      [
        ...graph.steps,
        step({
          name: 'tag',
          inputs: { profile: Profile!, preferences: Preferences! },
          output: number('Tag'),
          persist: 'global',
          run: () => 1,
        }),
      ],
      { name: graph.name },
    )
    expect(looseExplain(after, number('Tag'), { UserID: 1 }).steps.map(({ name, will }) => [name, will])).toEqual([
      ['fetchProfile', 'run'],
      ['fetchPreferences', 'run'],
      ['tag', 'unknown'],
    ])
    await run(after, number('Tag'), { UserID: 1 })
    expect(looseExplain(after, number('Tag'), { UserID: 1 }).steps.map(({ will }) => will)).toEqual([
      'cached',
      'run',
      'unknown',
    ])
    expect(looseExplain(after, number('Tag'), { UserID: 2 }).steps[0]!.will).toBe('run')
    const overrides = { Preferences: 3 }
    expect(looseExplain(after, number('Tag'), { UserID: 1 }, { overrides }).steps.map(({ will }) => will)).toEqual([
      'cached',
      'run',
    ])
  })

  test('looks up what one execution remembers, by its id', async () => {
    const graph = graphOf([
      step({ name: 's', inputs: { id: UserID! }, output: User!, persist: 'execution', run: () => 1 }),
    ])
    const id = uniqueName('id')
    await run(graph, User, { UserID: 1 }, { id })
    expect(looseExplain(graph, User, { UserID: 1 }, { id }).steps[0]!.will).toBe('cached')
    expect(looseExplain(graph, User, { UserID: 1 }, { id: uniqueName('id') }).steps[0]!.will).toBe('run')
    expect(looseExplain(graph, User, { UserID: 1 }).steps[0]!.will).toBe('run')
  })

  test('looks into the memory with the converted leaf, as execute does', async () => {
    const Trimmed = dataType(
      'Trimmed',
      z.string().transform((text) => text.trim()),
    )
    const graph = graphOf([
      step({ name: 's', inputs: { text: Trimmed }, output: User!, persist: 'global', run: () => 1 }),
    ])
    await run(graph, User, { Trimmed: ' a ' })
    expect(looseExplain(graph, User, { Trimmed: 'a' }).steps[0]!.will).toBe('cached')
    expect(looseExplain(graph, User, { Trimmed: 5 }).steps[0]!.will).not.toBe('cached')
  })

  test('of wrong inputs or an unknown target throws what execute rejects with', () => {
    const { graph } = users()
    expect(thrownBy(() => looseExplain(graph, Page, 5))).toBeInstanceOf(InputError)
    const unknown = thrownBy(() => looseExplain(graph, number('Nowhere'), {}))
    expect(unknown).toBeInstanceOf(GraphError)
    expect((unknown as GraphError).message).toMatch(
      /^graph "\S+" can't make the target of this call: no step produces "Nowhere"; the graph makes: /,
    )
  })

  test('of a leaf is a plan without steps', () => {
    const plan = looseExplain(users().graph, UserID, { UserID: 1 })
    expect(plan.steps).toEqual([])
    expect(plan.missing).toEqual([])
    expect(looseExplain(users().graph, UserID, {}).missing).toEqual(['UserID'])
  })

  test('names the types that steps take as all(T)', () => {
    const graph = graphOf([
      step({ name: 'one', inputs: { id: UserID! }, output: Profile!, run: () => 1 }),
      step({ name: 'sum', inputs: { profiles: all(Profile!) }, output: User!, run: () => 1 }),
    ])
    const plan = looseExplain(graph, User, { UserID: 1 })
    expect(plan.steps[1]!.inputs).toEqual([{ port: 'profiles', type: 'Profile', kind: 'all' }])
    expect(String(plan)).toContain('all(Profile)')
    expect(plan.toMermaid()).toContain('all(Profile)')
  })

  test('of a chain of 10,000 steps does not grow the stack', () => {
    const types = Array.from({ length: 10_001 }, (_, index) => number(`N${index}`))
    const graph = graphOf(
      types
        .slice(1)
        .map((output, index) => step({ name: `s${index}`, inputs: { from: types[index]! }, output, run: () => 1 })),
    )
    const plan = looseExplain(graph, types.at(-1), { N0: 1 })
    expect(plan.levels).toHaveLength(10_000)
    expect(graph.leaves(types.at(-1)!)).toHaveLength(1)
  })

  test(`of random graphs has every step after those it needs, on the first level it can have (seed ${seed})`, () => {
    const size = 8
    const edges = fc.array(fc.tuple(fc.nat(size - 1), fc.nat(size - 1)), { maxLength: 20 })
    fc.assert(
      fc.property(edges, fc.nat(size - 1), (pairs, target) => {
        const needs = Array.from({ length: size }, () => new Set<number>())
        for (const [one, other] of pairs) if (one !== other) needs[Math.max(one, other)]!.add(Math.min(one, other))
        const steps = needs.map((from, index) =>
          step({
            name: `s${index}`,
            inputs: Object.fromEntries([...from].map((need) => [`p${need}`, number(`N${need}`)])),
            output: number(`N${index}`),
            run: () => 1,
          }),
        )
        const plan = looseExplain(graphOf(steps.toReversed()), number(`N${target}`), {})
        const order = new Map(plan.steps.map(({ name }, at) => [name, at]))
        const levelOf = (index: number): number => Math.max(0, ...[...needs[index]!].map((need) => levelOf(need) + 1))
        const needed = new Set([target])
        for (const index of needed) for (const need of needs[index]!) needed.add(need)
        expect([...order.keys()].toSorted()).toEqual([...needed].map((index) => `s${index}`).toSorted())
        for (const index of needed) {
          const { level } = plan.steps[order.get(`s${index}`)!]!
          expect(level).toBe(levelOf(index))
          expect(plan.levels[level]).toContain(`s${index}`)
          for (const need of needs[index]!) expect(order.get(`s${need}`)!).toBeLessThan(order.get(`s${index}`)!)
        }
      }),
      { seed },
    )
  })
})

describe('the texts of a plan', () => {
  test('for a terminal', () => {
    const { graph } = users()
    expect(String(looseExplain(graph, Page, { UserID: 1 }))).toBe(
      [
        `Page of graph ${graph.name}: 4 steps, 3 levels`,
        '  in  UserID (given)',
        '  in  Locale (not given, optional)',
        '   0  fetchProfile      run      UserID → Profile',
        '   0  fetchPreferences  run      UserID → Preferences',
        '   1  enrich            run      Profile, Preferences → User',
        '   2  renderPage        run      User, optional(Locale) → Page',
      ].join('\n'),
    )
    const text = String(looseExplain(graph, Page, { Zebra: 2 }, { overrides: { User: 1 } }))
    expect(text).toContain('User (given, instead of enrich)')
    expect(text).toContain('given but not needed: Zebra')
    expect(String(looseExplain(graph, Page, {}))).toContain('missing: UserID')
  })

  test('as Mermaid', () => {
    expect(looseExplain(users().graph, Page, {}).toMermaid()).toBe(
      [
        'flowchart TD',
        '  leaf0(["UserID"]):::missing',
        '  leaf1(["Locale"])',
        '  step0["fetchProfile"]',
        '  step1["fetchPreferences"]',
        '  step2["enrich"]',
        '  step3["renderPage"]',
        '  leaf0 -->|"UserID"| step0',
        '  leaf0 -->|"UserID"| step1',
        '  step0 -->|"Profile"| step2',
        '  step1 -->|"Preferences"| step2',
        '  step2 -->|"User"| step3',
        '  leaf1 -.->|"optional(Locale)"| step3',
        '  step3 --> target(("Page"))',
        '  classDef cached stroke-dasharray: 4',
        '  classDef missing stroke:#c00,color:#c00',
      ].join('\n'),
    )
  })

  test('as Mermaid draw one node for each step and leaf though a step is named like a type', () => {
    const graph = graphOf([
      step({ name: 'User', inputs: { id: UserID! }, output: Profile!, run: () => 1 }),
      step({ name: 'UserID', inputs: { profile: Profile! }, output: User!, run: () => 1 }),
    ])
    const lines = looseExplain(graph, User, { UserID: 1 }).toMermaid().split('\n')
    expect(lines).toContain('  leaf0(["UserID"])')
    expect(lines).toContain('  step1["UserID"]')
    expect(lines).toContain('  leaf0 -->|"UserID"| step0')
    expect(lines).toContain('  step0 -->|"Profile"| step1')
    expect(lines).toContain('  step1 --> target(("User"))')
  })

  test('as Mermaid hold names with any characters', () => {
    const name = 'a "quoted" <b>name</b> & ]) --> x\nnew line'
    const Odd = number(`Odd ${name}`)
    const text = looseExplain(
      graphOf([step({ name, inputs: { id: Odd }, output: User!, run: () => 1 })]),
      User,
      {},
    ).toMermaid()
    expect(text.split('\n')).toHaveLength(7)
    expect(text).not.toContain('<b>')
    expect(text).toContain('  step0["a &quot;quoted&quot; &lt;b&gt;name&lt;/b&gt; &amp; ]) --&gt; x new line"]')
    for (const [, label] of text.matchAll(/"([^"]*)"/g)) expect(label).not.toMatch(/[<>"\n]/)
  })
})
