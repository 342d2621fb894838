import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import * as docket from '../../src/index.ts'
import { memoryStore } from '../../stores/memory/index.ts'
import { graphOf, number, rejectionOf, run, uniqueName } from '../loose-api.ts'

type Docket = typeof docket

const root = resolve(import.meta.dirname, '../..')
const folder = realpathSync(mkdtempSync(join(tmpdir(), 'docket-copies-')))
const Out = number('Out')

let second: Docket

beforeAll(async () => {
  for (const part of ['src', 'machines', 'stores']) cpSync(join(root, part), join(folder, part), { recursive: true })
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'))
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }')
  second = (await import(pathToFileURL(join(folder, 'src/index.ts')).href)) as Docket
})

afterAll(() => rmSync(folder, { recursive: true }))

describe('a second copy of the package', () => {
  test('has classes of its own, and instanceof holds between them in both directions', () => {
    expect(second.StepError).not.toBe(docket.StepError)
    const theirs = new second.StoreError('sqlite', 'away', true)
    expect(theirs).toBeInstanceOf(docket.StoreError)
    expect(theirs).toBeInstanceOf(docket.DocketError)
    expect(theirs).not.toBeInstanceOf(docket.StepError)
    expect(new docket.StepError('failed', {}, 1)).toBeInstanceOf(second.StepError)
    expect(new second.StepError('failed', {}, theirs).toJSON()).toMatchObject({ cause: { isTransient: true } })
  })

  test('has a NonRetryableError that ends the retries, also deep in a chain of causes', async () => {
    for (const error of [
      new second.NonRetryableError('no'),
      new Error('x', { cause: new second.NonRetryableError() }),
    ]) {
      let attempts = 0
      const fail = (): never => {
        attempts++
        throw error
      }
      await rejectionOf(
        run(graphOf([docket.step({ name: 's', output: Out, retry: { maxAttempts: 3 }, run: fail })]), Out),
      )
      expect(attempts).toBe(1)
    }
  })

  test('has an AbortExecutionError that no fallback and no batch tolerates', async () => {
    const graph = graphOf([
      docket.step({
        name: 's',
        output: Out,
        fallback: 1,
        run: () => Promise.reject(new second.AbortExecutionError('fraud')),
      }),
    ])
    expect(await rejectionOf(run(graph, Out))).toMatchObject({ cause: { message: 'fraud' } })
    const batch = docket.executeBatch(graph as never, Out as never, [{}, {}] as never, { onError: 'collect' })
    expect(await rejectionOf(batch)).toMatchObject({ code: 'STEP_FAILED' })
  })

  test('has data types, steps, policies and whole graphs that run here', async () => {
    const Their = second.dataType('Their', second.type<number>())
    const Mine = docket.dataType('Mine', second.type<number>())
    const their = second.step({
      name: 'their',
      output: Their,
      retry: { maxAttempts: 2, backoff: second.fixed(0) },
      run: () => 1,
    })
    const mine = docket.step({ name: 'mine', inputs: { their: Their }, output: Mine, run: ({ their }) => their + 1 })
    expect(await run(graphOf([their, mine]), Mine)).toBe(2)
    const foreign = second.untypedGraph({ name: uniqueName(), steps: [their, mine] })
    expect(await run(foreign, Mine)).toBe(2)
    expect(docket.explain(foreign as never, Mine as never, {} as never)).toMatchObject({ graph: foreign.name })
    await using durable = docket.createDocket({ graphs: [foreign], store: memoryStore() } as never)
    expect(await durable.execute(foreign as never, Mine as never, {}, { id: uniqueName('id') })).toBe(2)
  })

  test('has backoffs whose mistakes graph() reports here', () => {
    const odd = docket.step({
      name: 's',
      output: Out,
      retry: { maxAttempts: 2, backoff: second.exponential('soon' as never) },
      run: () => 1,
    })
    expect(() => graphOf([odd])).toThrow(/"soon" is not a duration/)
  })

  test('has a store whose errors are transient here', async () => {
    const { memoryStore: theirs } = (await import(pathToFileURL(join(folder, 'stores/memory/index.ts')).href)) as {
      readonly memoryStore: typeof memoryStore
    }
    const store = theirs()
    let calls = 0
    const flaky = new Proxy(store, {
      get(target, key) {
        const value: unknown = Reflect.get(target, key, target)
        if (typeof value !== 'function') return value
        if (key !== 'open') return value.bind(target) as unknown
        return () => (++calls < 3 ? Promise.reject(new second.StoreError('memory', 'away', true)) : target.open())
      },
    })
    const graph = graphOf([docket.step({ name: 's', output: Out, persist: 'execution', run: () => 1 })])
    await using durable = docket.createDocket({ graphs: [graph], store: flaky } as never)
    expect(await durable.execute(graph as never, Out as never, {}, { id: uniqueName('id') })).toBe(1)
    expect(calls).toBeGreaterThan(2)
  })

  test('that is of another version is named as the reason why its graph is refused', async () => {
    const graph = { kind: 'graph', name: 'theirs', steps: [], leaves: () => [], types: () => [] }
    expect(await rejectionOf(run(graph, Out))).toMatchObject({
      code: 'GRAPH_INVALID',
      message: expect.stringMatching(/graph "theirs" was made by another version of docket/),
    })
  })
})

describe('an error read from a store', () => {
  test('is of its class, with code, cause and fields, whose classes are those of Docket and of the language', async () => {
    const graph = graphOf([
      docket.step({
        name: 's',
        output: Out,
        persist: 'execution',
        run: () => Promise.reject(new docket.NonRetryableError('no', { cause: new RangeError('deep') })),
      }),
    ])
    const store = memoryStore()
    await using durable = docket.createDocket({ graphs: [graph], store } as never)
    const id = uniqueName('id')
    await rejectionOf(durable.execute(graph as never, Out as never, {}, { id }))
    const handle = await durable.get(id)
    const { error } = await handle!.details()
    expect(error).toBeInstanceOf(docket.StepError)
    const { cause, step, attempt } = error as docket.StepError
    expect({ step, attempt }).toEqual({ step: 's', attempt: 1 })
    expect(cause).toBeInstanceOf(docket.NonRetryableError)
    expect(cause).not.toBeInstanceOf(docket.AbortExecutionError)
    expect((cause as Error).cause).toBeInstanceOf(RangeError)
    expect(JSON.parse(JSON.stringify(error))).toMatchObject({ code: 'STEP_FAILED', cause: { code: 'NON_RETRYABLE' } })
  })
})

describe.each([
  ['a bundle', []],
  ['a minified bundle', ['--minify']],
])('%s', (kind, flags) => {
  test('has errors with the same names, in messages and in what is stored', () => {
    const out = join(folder, kind.replaceAll(' ', '-'))
    mkdirSync(out)
    writeFileSync(
      join(folder, 'program.ts'),
      `import { createDocket, dataType, graph, NonRetryableError, step, StepError, type } from './src/index.ts'
      import { memoryStore } from './stores/memory/index.ts'
      const Out = dataType('Out', type<number>())
      const fail = () => Promise.reject(new NonRetryableError('no'))
      const g = graph({ name: 'g', steps: [step({ name: 's', output: Out, persist: 'execution', retry: { maxAttempts: 2 }, run: fail })] })
      const docket = createDocket({ graphs: [g], store: memoryStore() })
      const error = await docket.execute(g, Out, {}, { id: 'a' }).catch((error: unknown) => error)
      const stored = (await (await docket.get('a'))!.details()).error
      const { name, cause } = stored as Error
      console.log(JSON.stringify([name, (cause as Error).name, StepError.name, stored instanceof StepError, String(error), error]))
      await docket.close()`,
    )
    const bundle = join(out, 'program.mjs')
    const esbuild = join(root, 'node_modules/esbuild/bin/esbuild')
    const options = [
      '--bundle',
      '--platform=node',
      '--format=esm',
      '--log-level=error',
      `--outfile=${bundle}`,
      ...flags,
    ]
    execFileSync(esbuild, ['program.ts', ...options], { cwd: folder, stdio: 'pipe' })
    const printed = JSON.parse(execFileSync(process.execPath, [bundle], { encoding: 'utf8' })) as unknown
    expect(printed).toEqual([
      'StepError',
      'NonRetryableError',
      'StepError',
      true,
      'StepError: step "s" failed after 1 attempt: no',
      expect.objectContaining({ name: 'StepError', code: 'STEP_FAILED', attempt: 1 }),
    ])
  })
})
