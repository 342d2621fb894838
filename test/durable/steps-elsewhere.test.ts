import { expect, test } from 'vitest'
import {
  all,
  dataType,
  execute,
  explain,
  graph,
  GraphError,
  NonRetryableError,
  optional,
  step,
  StepError,
  type,
} from '../../src/index.ts'
import { createTestDocket, replaceSteps } from '../../src/testing/index.ts'

const Photo = dataType('Photo', type<string>())
const Size = dataType('Size', type<number>())
const Small = dataType('Small', type<string>())
const Page = dataType('Page', type<string>())

const work = { default: 4, gpu: 1, disk: 1 }

interface Seen {
  readonly executionId: string
  readonly attempt: number
}

function pages(options: { readonly queue?: string; readonly failures?: number; readonly error?: () => Error } = {}) {
  const seen: Seen[] = []
  const { queue, failures = 0, error = () => new Error('no memory') } = options
  const shrink = step({
    name: 'Shrink',
    inputs: { picture: Photo, to: optional(Size) },
    output: Small,
    queue,
    retry: { maxAttempts: 3 },
    when: ({ picture }) => picture !== 'none',
    run: ({ picture, to }, { executionId, attempt }) => {
      seen.push({ executionId, attempt })
      if (seen.length <= failures) throw error()
      return `${picture} at ${to}`
    },
  })
  const print = step({ name: 'Print', inputs: { small: Small }, output: Page, run: ({ small }) => `page of ${small}` })
  return { whole: graph({ name: 'pages', steps: [shrink, print] }), seen }
}

const inputs = { Photo: 'cat', Size: 8 }

test('a step with a queue makes in a docket what it makes in plain execute: there in place, here as an execution of its own', async () => {
  const plain = pages({ queue: 'gpu' })
  expect(await execute(plain.whole, Page, inputs)).toBe('page of cat at 8')
  const { whole, seen } = pages({ queue: 'gpu' })
  await using docket = createTestDocket({ graphs: [whole], work })
  const execution = await docket.start(whole, Page, inputs, { id: 'one' })
  expect(await execution.result()).toBe('page of cat at 8')
  expect(seen).toEqual([{ executionId: 'one/Shrink', attempt: 1 }])
  expect((await docket.store.get(['one/Shrink']))[0]).toMatchObject({
    queue: 'gpu',
    graph: 'pages/Shrink',
    parent: 'one',
  })
})

test('its policies hold where it runs: it is tried there as often as it says, and what it fails with is the cause', async () => {
  const good = pages({ queue: 'gpu', failures: 2 })
  await using docket = createTestDocket({ graphs: [good.whole], work })
  expect(await docket.execute(good.whole, Page, inputs, { id: 'good' })).toBe('page of cat at 8')
  expect(good.seen.map(({ attempt }) => attempt)).toEqual([1, 2, 3])
  for (const run of [
    (whole: ReturnType<typeof pages>['whole']) => execute(whole, Page, inputs),
    async (whole: ReturnType<typeof pages>['whole']) => {
      await using other = createTestDocket({ graphs: [whole], work })
      return await other.execute(whole, Page, inputs, { id: 'bad' })
    },
  ]) {
    const bad = pages({ queue: 'gpu', failures: 9, error: () => new NonRetryableError('out of cards') })
    const error: unknown = await run(bad.whole).catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(StepError)
    expect(error).toMatchObject({ step: 'Shrink', cause: { name: 'NonRetryableError', message: 'out of cards' } })
    expect(bad.seen.length).toBe(1)
  }
})

test('its condition, fallback and compensation get its own ports, and run where its execution does', async () => {
  const { whole, seen } = pages({ queue: 'gpu' })
  await using docket = createTestDocket({ graphs: [whole], work })
  await expect(docket.execute(whole, Page, { ...inputs, Photo: 'none' }, { id: 'skipped' })).rejects.toMatchObject({
    code: 'STEP_SKIPPED',
  })
  expect(seen).toEqual([])
  const undone: unknown[] = []
  const shrink = step({
    name: 'Shrink',
    inputs: { picture: Photo },
    output: Small,
    queue: 'gpu',
    fallback: (_, { picture }) => `${picture} as it is`,
    run: (): string => {
      throw new Error('no memory')
    },
  })
  const keep = step({
    name: 'Keep',
    inputs: { small: Small },
    output: Size,
    queue: 'disk',
    compensate: (output, { inputs: given }) => void undone.push([output, given]),
    run: ({ small }) => small.length,
  })
  const print = step({
    name: 'Print',
    inputs: { size: Size },
    output: Page,
    run: (): string => {
      throw new Error('no paper')
    },
  })
  const failing = graph({ name: 'failing', steps: [shrink, keep, print] })
  await using other = createTestDocket({ graphs: [failing], work })
  await expect(other.execute(failing, Page, { Photo: 'cat' }, { id: 'one' })).rejects.toThrow('no paper')
  expect(undone).toEqual([[12, { small: 'cat as it is' }]])
})

test('large inputs, of more than the default limit too, stay with the parent: of a child in another queue, the record names them, and a process that goes on with it reads them there', async () => {
  const Large = dataType('Large', type<string>())
  const load = step({
    name: 'Load',
    inputs: { photo: Photo },
    output: Large,
    run: ({ photo }) => photo.repeat(7_000_000),
  })
  const tries: number[] = []
  const measure = step({
    name: 'Measure',
    inputs: { large: Large, photo: Photo, size: Size },
    output: Page,
    queue: 'gpu',
    retry: { maxAttempts: 3 },
    run: async ({ large, photo, size }, { signal }) => {
      tries.push(large.length)
      if (tries.length > 1) return `${large.length} + ${photo.length} + ${size}`
      return new Promise<string>((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)))
    },
  })
  const whole = graph({ name: 'large', steps: [load, measure] })
  await using docket = createTestDocket({ graphs: [whole], work, maxValueBytes: 2 ** 26 })
  const execution = await docket.start(whole, Page, { Photo: 'cat', Size: 3 }, { id: 'one' })
  await expect.poll(() => tries.length, { timeout: 60_000 }).toBeGreaterThan(0)
  const [record] = await docket.store.get(['one/Measure'])
  expect(record!.inputs.length).toBeLessThan(500)
  expect(JSON.parse(String(record!.inputs))).toMatchObject({
    Photo: 'cat',
    Size: 3,
    $refs: { Large: { step: 'Load' } },
  })
  await docket.restart()
  expect(await execution.result()).toBe('21000000 + 3 + 3')
})

test('explain, batches and replaced steps know it', async () => {
  const { whole } = pages({ queue: 'gpu' })
  expect(String(explain(whole, Page, inputs))).toContain('Shrink')
  const replaced = replaceSteps(whole, { Shrink: ({ picture }) => `tiny ${picture}` })
  expect(await execute(replaced, Page, inputs)).toBe('page of tiny cat')
  await using docket = createTestDocket({ graphs: [whole], work })
  const batch = await docket.startBatch(whole, Page, [inputs, { ...inputs, Photo: 'dog' }], { id: 'many' })
  expect(await batch.result()).toEqual(['page of cat at 8', 'page of dog at 8'])
})

const make = (queue: unknown, ports: object) =>
  graph({
    name: 'g',
    steps: [step({ name: 'S', inputs: ports as never, output: Page, queue: queue as string, run: () => 'x' })],
  })

test('a queue is a name, and takes no step that runs once for a whole batch', () => {
  expect(() => make('', { small: Small })).toThrow(/queue must be a non-empty string/)
  expect(() => make(7, { small: Small })).toThrow(GraphError)
  expect(() => make('gpu', { small: all(Small) })).toThrow(
    /takes all items of a batch, which a step with a queue can't/,
  )
})
