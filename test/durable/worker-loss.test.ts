import { expect, test } from 'vitest'
import { dataType, graph, LeaseLostError, optional, step, StepError, subgraph, timer, type } from '../../src/index.ts'
import { createTestDocket } from '../../src/testing/index.ts'

const Film = dataType('Film', type<string>())
const Local = dataType('Local', type<string>())
const Small = dataType('Small', type<string>())
const Upload = dataType('Upload', type<string>())
const Mail = dataType('Mail', type<string>())

/** Three steps that share files; the second one does not end in the first process. */
function films(onWorkerLoss: 'restart' | 'fail' | undefined, persist: 'execution' | 'global' = 'execution') {
  const ran: string[] = []
  const keys: string[] = []
  let processes = 0
  const download = step({
    name: 'Download',
    inputs: { film: Film },
    output: Local,
    persist,
    run: ({ film }, { idempotencyKey }) => {
      ran.push('Download')
      keys.push(idempotencyKey)
      return `/tmp/${film}`
    },
  })
  const shrink = step({
    name: 'Shrink',
    inputs: { file: Local },
    output: Small,
    persist: 'execution',
    run: async ({ file }, { signal }) => {
      ran.push('Shrink')
      if (++processes > 1) return `${file}.small`
      return new Promise<string>((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)))
    },
  })
  const upload = step({
    name: 'Upload',
    inputs: { file: Small },
    output: Upload,
    run: ({ file }) => {
      ran.push('Upload')
      return file
    },
  })
  const files = graph({ name: 'files', steps: [download, shrink, upload] })
  const mail = step({
    name: 'Mail',
    inputs: { upload: Upload },
    output: Mail,
    run: ({ upload: file }) => `see ${file}`,
  })
  const whole = graph({ name: 'films', steps: [subgraph(files, Upload, { onWorkerLoss }), mail] })
  return { whole, ran, keys }
}

test('a child that is not to go on elsewhere begins anew when its process is lost: all its steps run again, under other keys', async () => {
  const { whole, ran, keys } = films('restart')
  await using docket = createTestDocket({ graphs: [whole] })
  const execution = await docket.start(whole, Mail, { Film: 'm' }, { id: 'one' })
  await expect.poll(() => ran).toContain('Shrink')
  await docket.restart()
  expect(await execution.result()).toBe('see /tmp/m.small')
  expect(ran).toEqual(['Download', 'Shrink', 'Download', 'Shrink', 'Upload'])
  expect(new Set(keys).size).toBe(2)
})

test('without a policy, another process goes on from what is on record', async () => {
  const { whole, ran } = films(undefined)
  await using docket = createTestDocket({ graphs: [whole] })
  const execution = await docket.start(whole, Mail, { Film: 'm' }, { id: 'one' })
  await expect.poll(() => ran).toContain('Shrink')
  await docket.restart()
  expect(await execution.result()).toBe('see /tmp/m.small')
  expect(ran).toEqual(['Download', 'Shrink', 'Shrink', 'Upload'])
})

test('global results stay when a child begins anew', async () => {
  const { whole, ran } = films('restart', 'global')
  await using docket = createTestDocket({ graphs: [whole] })
  const execution = await docket.start(whole, Mail, { Film: 'm' }, { id: 'one' })
  await expect.poll(() => ran).toContain('Shrink')
  await docket.restart()
  expect(await execution.result()).toBe('see /tmp/m.small')
  expect(ran).toEqual(['Download', 'Shrink', 'Shrink', 'Upload'])
})

test('a child that is to fail with its process does, and its parent learns why', async () => {
  const { whole, ran } = films('fail')
  await using docket = createTestDocket({ graphs: [whole] })
  const execution = await docket.start(whole, Mail, { Film: 'm' }, { id: 'one' })
  await expect.poll(() => ran).toContain('Shrink')
  await docket.restart()
  const error: unknown = await execution.result().catch((thrown: unknown) => thrown)
  expect(error).toBeInstanceOf(StepError)
  expect((error as StepError).cause).toBeInstanceOf(LeaseLostError)
  expect(String((error as StepError).cause)).toContain("onWorkerLoss: 'fail'")
  expect(ran).toEqual(['Download', 'Shrink'])
})

test('a step whose child has failed with its process is on record as failed, where its execution goes on without it', async () => {
  const shrink = step({
    name: 'Shrink',
    inputs: { film: Film },
    output: Small,
    persist: 'execution',
    run: () => new Promise<string>(() => {}),
  })
  const files = graph({ name: 'files', steps: [shrink] })
  const mail = step({
    name: 'Mail',
    inputs: { small: optional(Small) },
    output: Mail,
    run: ({ small }) => small ?? 'none',
  })
  const whole = graph({ name: 'films', steps: [subgraph(files, Small, { onWorkerLoss: 'fail' }), mail] })
  await using docket = createTestDocket({ graphs: [whole] })
  const execution = await docket.start(whole, Mail, { Film: 'm' }, { id: 'one' })
  await docket.advance('1s')
  await docket.restart()
  expect(await execution.result()).toBe('none')
  const { steps } = await execution.details()
  const child = steps.find(({ step: name }) => name === 'files')
  expect(child).toMatchObject({ status: 'failed', error: { name: 'LeaseLostError' } })
})

test('a child that is not to go on elsewhere is never parked', async () => {
  const Tick = dataType('Tick', type<string>())
  const wait = timer({ name: 'Wait', inputs: { film: Film }, output: Tick, after: '1h', value: () => 'tick' })
  const inner = graph({ name: 'inner', steps: [wait] })
  for (const [onWorkerLoss, isParked] of [
    ['restart', false],
    [undefined, true],
  ] as const) {
    const whole = graph({ name: 'outer', steps: [subgraph(inner, Tick, { onWorkerLoss })] })
    await using docket = createTestDocket({ graphs: [whole], park: '1s' })
    const execution = await docket.start(whole, Tick, { Film: 'm' }, { id: 'one' })
    await docket.advance('10m')
    const [child] = await docket.store.get(['one/inner'])
    expect(child!.parkedAt !== undefined, String(onWorkerLoss)).toBe(isParked)
    expect(await execution.result()).toBe('tick')
  }
})

test('what a child did that is to begin anew could not be undone: the two are refused together', () => {
  const book = step({ name: 'Book', inputs: { film: Film }, output: Local, run: () => 'b', compensate: () => {} })
  const shrink = step({ name: 'Shrink', inputs: { file: Local }, output: Small, run: () => 's' })
  const other = step({ name: 'Other', inputs: { film: Film }, output: Upload, run: () => 'u' })
  const inner = graph({ name: 'inner', steps: [book, shrink, other] })
  expect(() => graph({ name: 'outer', steps: [subgraph(inner, Small, { onWorkerLoss: 'restart' })] })).toThrow(
    /step "inner".*: onWorkerLoss: 'restart' runs graph "inner" anew and forgets what its steps did, but "Book" would have to be undone/,
  )
  // What the target does not need is not done.
  graph({ name: 'outer', steps: [subgraph(inner, Upload, { onWorkerLoss: 'restart' })] })
})

test('what a child did that fails with its process is undone in another one', async () => {
  const undone: string[] = []
  let began = 0
  const book = step({
    name: 'Book',
    inputs: { film: Film },
    output: Local,
    run: ({ film }) => `booked ${film}`,
    compensate: (output) => void undone.push(String(output)),
  })
  const shrink = step({
    name: 'Shrink',
    inputs: { file: Local },
    output: Small,
    run: (_, { signal }) => {
      began++
      return new Promise<string>((_resolve, reject) =>
        signal.addEventListener('abort', () => reject(signal.reason as Error)),
      )
    },
  })
  const inner = graph({ name: 'inner', steps: [book, shrink] })
  const whole = graph({ name: 'outer', steps: [subgraph(inner, Small, { onWorkerLoss: 'fail' })] })
  await using docket = createTestDocket({ graphs: [whole] })
  const execution = await docket.start(whole, Small, { Film: 'm' }, { id: 'one' })
  await expect.poll(() => began).toBe(1)
  await docket.restart()
  await expect(execution.result()).rejects.toThrow("onWorkerLoss: 'fail'")
  expect([undone, began]).toEqual([['booked m'], 1])
})

test('the policy is one of two words', () => {
  const inner = graph({ name: 'inner', steps: [step({ name: 'A', output: Film, run: () => 'a' })] })
  expect(() => graph({ name: 'outer', steps: [subgraph(inner, Film, { onWorkerLoss: 'never' as never })] })).toThrow(
    /onWorkerLoss must be 'restart' or 'fail', not "never"/,
  )
})

test('what was undone before a child begins anew has another key once more, whether it had begun again meanwhile or not', async () => {
  const keys: string[] = []
  let downloads = 0
  const gate = step({
    name: 'Gate',
    inputs: { film: Film },
    output: Local,
    persist: 'execution',
    run: ({ film }, { signal }) => {
      if (++downloads === 1 || downloads > 2) return film
      // The second process is lost before the other step begins again.
      return new Promise<string>((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)))
    },
  })
  const shrink = step({
    name: 'Shrink',
    inputs: { file: Local },
    output: Small,
    persist: 'execution',
    run: ({ file }, { idempotencyKey }) => {
      keys.push(idempotencyKey)
      return file
    },
  })
  const upload = step({
    name: 'Upload',
    inputs: { file: Small },
    output: Upload,
    run: ({ file }, { signal }) =>
      keys.length > 1
        ? file
        : new Promise<string>((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error))),
  })
  const files = graph({ name: 'files', steps: [gate, shrink, upload] })
  const whole = graph({ name: 'films', steps: [subgraph(files, Upload, { onWorkerLoss: 'restart' })] })
  await using docket = createTestDocket({ graphs: [whole] })
  const execution = await docket.start(whole, Upload, { Film: 'm' }, { id: 'one' })
  await expect.poll(() => keys.length).toBe(1)
  await docket.restart()
  await expect.poll(() => downloads).toBe(2)
  await docket.restart()
  expect(await execution.result()).toBe('m')
  expect(new Set(keys).size).toBe(2)
})
