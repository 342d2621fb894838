import { copyFileSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createConnection } from 'mysql2/promise'
import { describe, expect, test } from 'vitest'
import { placeMaker, storeKinds } from '../place.ts'
import type { Place } from '../place.ts'
import { startProcess } from '../processes.ts'
import { deadline, fileOf, loadRedis, writtenSpace } from './dumps.ts'
import { described, orderGraph, Rate, Receipt } from './fixture-graph.ts'

const newPlace = await placeMaker()

// What users have in their databases. Once a format is released, its folder is never written anew: a new one adds
// a folder, and all that were there before it must still be read.
const formats = readdirSync(import.meta.dirname).filter((name) => name.startsWith('format-'))

test('the formats are found', () => {
  expect(formats).toContain('format-1')
})

const cases = formats.flatMap((format) => storeKinds.map((kind) => ({ format, kind })))

async function load(place: Place, format: string): Promise<void> {
  const file = fileOf(join(import.meta.dirname, format), place.kind)
  if (place.kind === 'sqlite') copyFileSync(file, place.address.url)
  else if (place.kind === 'redis') await loadRedis(place.redis, place.address.space, file)
  else if (place.kind === 'postgres')
    await place.sql(readFileSync(file, 'utf8').replaceAll(writtenSpace, place.address.space))
  else {
    const connection = await createConnection({ uri: place.address.url, charset: 'utf8mb4', multipleStatements: true })
    await connection.query(readFileSync(file, 'utf8'))
    await connection.end()
  }
}

describe.each(cases)('data of $format in $kind', ({ format, kind }) => {
  test('is listed: outcomes, errors with their causes, headers, steps', async () => {
    const place = await newPlace(kind)
    await load(place, format)
    const { docket } = startProcess(place, { graphs: [orderGraph().orders], takeOver: false })
    const { executions } = await docket.list()
    expect(Object.fromEntries(executions.map(({ id, status }) => [id, status]))).toEqual({
      completed: 'completed',
      failed: 'failed',
      unfinished: 'running',
      retrying: 'running',
      'called-off': 'running',
      batch: 'running',
    })
    expect(executions.flatMap(({ incompatible }) => incompatible)).toEqual([])
    const completed = await (await docket.get('completed'))!.details()
    expect(completed).toMatchObject({
      output: 'receipt of completed',
      inputs: { Order: { id: 'completed' } },
      headers: { tenant: 'Straße', id: 'completed' },
      deadline,
    })
    expect(completed.endedAt!.getTime()).toBeGreaterThan(completed.createdAt.getTime() - 1)
    expect(completed.steps.find(({ step }) => step === 'Describe')!.output).toStrictEqual(described)
    const failed = executions.find(({ id }) => id === 'failed')!.error as Error
    expect(failed).toMatchObject({ name: 'StepError', step: 'Charge' })
    expect(String(failed.cause)).toContain('the card was declined')
    expect((failed.cause as Error).cause).toBeInstanceOf(RangeError)
    const retrying = await (await docket.get('retrying'))!.details()
    const charge = retrying.steps.find(({ step }) => step === 'Charge')!
    expect(charge).toMatchObject({ status: 'retrying', attempt: 1 })
    expect(charge.dueAt!.getTime()).toBeGreaterThan(charge.startedAt!.getTime() + 59_000)
  })

  test('goes on: what its dead owner left is finished, its message is heard, and nothing that was done runs again', async () => {
    const place = await newPlace(kind)
    await load(place, format)
    const seen: unknown[] = []
    const { orders, runs } = orderGraph((id, { attempt }) => {
      seen.push([id, attempt])
      return `receipt of ${id}`
    })
    const { docket } = startProcess(place, { graphs: [orders] })
    const resultOf = async (id: string): Promise<unknown> => (await docket.get(id))!.result()
    expect(await resultOf('unfinished')).toBe('receipt of unfinished')
    expect(await resultOf('retrying')).toBe('receipt of retrying')
    expect(await resultOf('batch')).toEqual(['b-1', 'b-2', 'b-3', 'b-4'].map((id) => `receipt of ${id}`))
    expect(await resultOf('completed')).toBe('receipt of completed')
    await docket.cancel('called-off').catch(() => {})
    const calledOff = (await docket.list()).executions.find(({ id }) => id === 'called-off')
    // Its message may come after its last step, which does not wait any more.
    expect(['cancelled', 'completed']).toContain(calledOff!.status)
    const done = runs.filter((run) => !run.endsWith('called-off'))
    expect(done.toSorted()).toEqual(['Charge b-3', 'Charge b-4', 'Charge retrying', 'Charge unfinished'])
    expect(seen).toContainEqual(['retrying', 2])
    expect(seen).toContainEqual(['unfinished', 2])
  })

  test('is retried and started again by id; its global result is found', async () => {
    const place = await newPlace(kind)
    await load(place, format)
    const { orders, runs } = orderGraph()
    const { docket } = startProcess(place, { graphs: [orders], takeOver: false })
    expect(await (await docket.retry('failed')).result()).toBe('receipt of failed')
    expect(runs).toEqual(['Charge failed'])
    const again = { Order: { id: 'completed' } }
    expect(await docket.execute(orders, Receipt, again, { id: 'completed' })).toBe('receipt of completed')
    expect(await docket.execute(orders, Rate, {}, { id: 'rate' })).toEqual({ currency: 'NOK', rate: 11.5 })
    expect(runs).toEqual(['Charge failed'])
    await expect(docket.start(orders, Receipt, { Order: { id: 'other' } }, { id: 'completed' })).rejects.toMatchObject({
      code: 'EXECUTION_CONFLICT',
    })
  })

  test('a message that nobody has read yet is heard by whoever takes over', async () => {
    const place = await newPlace(kind)
    await load(place, format)
    const waiting = orderGraph(
      (_, { signal }) =>
        new Promise((_resolve, reject) => {
          signal.addEventListener('abort', () => reject(signal.reason as Error))
        }),
    )
    const { docket } = startProcess(place, { graphs: [waiting.orders] })
    await expect((await docket.get('called-off'))!.result()).rejects.toThrow(/cancelled on request/)
  })

  test('is deleted and purged like any other', async () => {
    const place = await newPlace(kind)
    await load(place, format)
    const { docket } = startProcess(place, { graphs: [orderGraph().orders], takeOver: false })
    expect(await docket.delete('unfinished')).toBe(true)
    expect(await docket.purge({ olderThan: 0 })).toBe(2)
    const { executions } = await docket.list()
    expect(executions.map(({ id }) => id).toSorted()).toEqual(['batch', 'called-off', 'retrying'])
  })
})
