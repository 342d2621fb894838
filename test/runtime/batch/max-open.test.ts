import { expect, test } from 'vitest'
import { dataType, graph, OptionError, streamBatch, timer, type } from '../../../src/index.ts'
import { VirtualTime } from '../virtual-time.ts'

const Row = dataType('Row', type<number>())
const Done = dataType('Done', type<number>())

test('a stream has at most `maxOpen` items open, those included that only wait', async () => {
  const clock = new VirtualTime()
  let read = 0
  let most = 0
  let ended = 0
  const wait = timer({ name: 'Wait', inputs: { row: Row }, output: Done, after: '1m', value: ({ row }) => row })
  const waiting = graph({ name: 'waiting', steps: [wait] })
  function* rows() {
    for (let n = 0; n < 20; n++) {
      most = Math.max(most, ++read - ended)
      yield { Row: n }
    }
  }
  const values: number[] = []
  const reading = (async () => {
    for await (const value of streamBatch(waiting, Done, rows(), { maxOpen: 3, clock })) {
      ended++
      values.push(value)
    }
  })()
  await clock.advance(7 * 60_000 + 1_000)
  await clock.settle(reading)
  expect(values).toHaveLength(20)
  // One more is read while the outcome of one that has ended is on its way to its reader.
  expect(most).toBeLessThanOrEqual(6)
  const wrong = streamBatch(waiting, Done, rows(), { maxOpen: 0 })
  await expect(wrong[Symbol.asyncIterator]().next()).rejects.toThrow(OptionError)
})
