// Run by heap.ts, with --expose-gc: streams items and tells the peak of the heap.
import { streamBatch } from '../../../src/index.ts'
import { itemGraph, items, itemTarget } from './batch.ts'

const count = Number(process.argv[2])
const { gc } = globalThis as { readonly gc?: () => void }
const usedMb = (): number => process.memoryUsage().heapUsed / 2 ** 20

async function stream(total: number, look: (done: number) => void): Promise<void> {
  let done = 0
  for await (const value of streamBatch(itemGraph, itemTarget, items(total))) look((done += value))
}

await stream(1_000, () => {})
gc?.()
const start = usedMb()
const begun = performance.now()
let peak = 0
let live = 0
await stream(count, (done) => {
  if (done % 1_000 === 0) peak = Math.max(peak, usedMb())
  if (done % 100_000 !== 0) return
  gc?.()
  live = Math.max(live, usedMb())
})
const seconds = (performance.now() - begun) / 1_000
console.log(JSON.stringify({ peakMb: peak - start, liveMb: live - start, seconds }))
