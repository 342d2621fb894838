import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { bundle } from './bundle.ts'

const root = resolve(import.meta.dirname, '../..')
const folder = realpathSync(mkdtempSync(join(tmpdir(), 'docket-bundles-')))
symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'))

afterAll(() => rmSync(folder, { recursive: true }))

let bundles = 0

function bundled(
  program: string,
  options?: { readonly split?: boolean; readonly format?: 'cjs' },
): ReturnType<typeof bundle> {
  return bundle(program, join(folder, `bundle-${++bundles}`), options)
}

/** What a program prints, as JSON. */
function printedBy(file: string): unknown {
  return JSON.parse(execFileSync(process.execPath, [file], { encoding: 'utf8', cwd: folder }))
}

const kB = 1000

describe('what a program takes of the package', () => {
  const plain = 'execute, step, graph, dataType, type, optional, exponential, StepError, InputError'

  test('is at most 65 kB gzipped for executions within the process, without XState and zod', async () => {
    const { atStart, whole, sources } = await bundled(`export { ${plain} } from 'docket'`)
    expect(atStart).toBeLessThanOrEqual(65 * kB)
    expect(whole).toBeLessThanOrEqual(78 * kB)
    const unneeded =
      /^src\/(durable|runtime\/(batch|actors|kinds)|core\/drawn)\/|\/(durable-branch|machine-work|remote-step|store-results|store-connection)\.ts$/
    expect(sources.filter((source) => unneeded.test(source) && !source.startsWith('src/core/language/'))).toEqual([])
  })

  test('is at most 5 kB where it only declares types and steps of functions', async () => {
    const { atStart } = await bundled(`export { step, dataType, type } from 'docket'`)
    expect(atStart).toBeLessThanOrEqual(5 * kB)
  })
})

const head = `
  import { dataType, execute, graph, step, type } from 'docket'
  const [A, B] = ['A', 'B'].map((name) => dataType(name, type()))
  const print = (value) => console.log(JSON.stringify(value))
`

describe('a bundle', () => {
  test.each([
    ['timer', `timer({ name: 't', output: A, after: 1, value: () => 'it was time' })`, 'it was time'],
    ['signal', `signal(A)`, 'sent'],
    ['durableStep', `durableStep({ name: 'd', output: A, run: (_, ctx) => ctx.step('x', () => 'slept') })`, 'slept'],
    ['race', `race({ name: 'r', output: A, inputs: { one: One, two: Two } })`, 'first'],
  ])('runs what it declares with %s, and has that alone', async (name, declaration, expected) => {
    const { file, sources } = await bundled(
      `import { ${name} } from 'docket'
      ${head}
      const [One, Two] = ['One', 'Two'].map((name) => dataType(name, type()))
      const racing = ${name === 'race'} ? [
        step({ name: 'one', output: One, run: () => 'first' }),
        step({ name: 'two', output: Two, run: (_, { signal }) => new Promise((_, no) => signal.addEventListener('abort', no)) }),
      ] : []
      const g = graph({ name: 'g', steps: [${declaration}, ...racing] })
      print(await execute(g, A, {}, ${name === 'signal'} ? { signals: { A: 'sent' } } : {}))`,
    )
    expect(printedBy(file)).toBe(expected)
    const kinds = sources.flatMap((source) => /^src\/runtime\/kinds\/(.*)\.ts$/.exec(source)?.[1] ?? [])
    expect(kinds).toEqual(name === 'race' ? [] : [name.replace('durableStep', 'durable-step')])
  })

  test('refuses a step that was put together by hand, of a kind that is not in it, and says how to have it', async () => {
    const { file } = await bundled(
      `${head}
      const byHand = { kind: 'timer', name: 't', inputs: {}, output: A, after: 1, run: (value) => value }
      try { graph({ name: 'g', steps: [byHand] }) } catch (error) { print([error.code, error.message]) }`,
    )
    expect(printedBy(file)).toEqual([
      'GRAPH_INVALID',
      expect.stringMatching(
        /step "t" is a "timer", and how such a step works is not part of this program: declare it with timer\(…\)/,
      ),
    ])
  })
})

describe.each([true, false])('a bundle that is split: %s', (split) => {
  test('remembers results in a store of a step’s own, with what that takes loaded when it is needed', async () => {
    const { file } = await bundled(
      `import { memoryStore } from 'docket/stores/memory'
      ${head}
      let runs = 0
      const store = memoryStore()
      const once = step({ name: 's', output: A, persist: { scope: 'global', store }, run: () => ++runs })
      const g = graph({ name: 'g', steps: [once] })
      const together = await Promise.all([1, 2, 3].map(() => execute(g, A, {})))
      print([...together, await execute(g, A, {}), runs])`,
      { split },
    )
    expect(printedBy(file)).toEqual([1, 1, 1, 1, 1])
  })

  test('runs steps of other kinds that another copy of the package has declared', async () => {
    const steps = await bundled(
      `import { dataType, durableStep, timer, type } from 'docket'
      export const A = dataType('A', type())
      export const B = dataType('B', type())
      export const theirs = [
        timer({ name: 't', output: A, after: 1, value: () => 1 }),
        durableStep({ name: 'd', inputs: { a: A }, output: B, run: ({ a }, ctx) => ctx.step('x', () => a + 1) }),
      ]`,
      { split },
    )
    const { file, sources } = await bundled(
      `import { execute, graph } from 'docket'
      const { theirs, B } = await import(${JSON.stringify(steps.file)})
      console.log(await execute(graph({ name: 'g', steps: theirs }), B, {}))`,
      { split },
    )
    expect(sources.filter((source) => source.includes('durable-step'))).not.toContain(
      'src/runtime/steps/durable-step.ts',
    )
    expect(printedBy(file)).toBe(2)
  })
})

test('a bundle of CommonJS finds the packages that observers load when they are made', async () => {
  const { file } = await bundled(
    `import { openTelemetryObserver } from 'docket/observers/open-telemetry'
    import { prometheusObserver } from 'docket/observers/prometheus'
    ${head}
    const g = graph({ name: 'g', steps: [step({ name: 's', output: A, run: () => 'observed' })] })
    void execute(g, A, {}, { observers: [openTelemetryObserver(), prometheusObserver()] }).then(print)`,
    { format: 'cjs' },
  )
  expect(printedBy(file)).toBe('observed')
  expect(JSON.parse(execFileSync(process.execPath, [file], { encoding: 'utf8', cwd: tmpdir() }))).toBe('observed')
})

test('JavaScript that imports the whole package may put any step together by hand', () => {
  mkdirSync(join(folder, 'whole'), { recursive: true })
  const file = join(folder, 'whole/program.ts')
  writeFileSync(
    file,
    `import { dataType, execute, type, untypedGraph } from ${JSON.stringify(join(root, 'src/index.ts'))}
    const A = dataType('A', type<number>())
    const byHand = { kind: 'timer', name: 't', inputs: {}, output: A, after: 1, value: () => 7, run: () => 7 }
    console.log(await execute(untypedGraph({ name: 'g', steps: [byHand as never] }), A as never, {}))`,
  )
  expect(printedBy(file)).toBe(7)
})
