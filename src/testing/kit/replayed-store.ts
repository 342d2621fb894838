import type { Store } from '../../core/contracts/store.ts'
import { createValueEncoding } from '../../core/values/value-encoding.ts'
import type { DocketOptions } from '../../durable/context/docket-options.ts'
import type { ExportedExecution } from '../../durable/transfer/exported-execution.ts'
import { partsOfExport } from '../../durable/transfer/parts-of-export.ts'
import { openParts, writeParts } from '../../durable/transfer/write-parts.ts'
import { NumberedWrites } from '../../runtime/store-access/numbered-writes.ts'
import { fullClockOf, sleep } from '../../runtime/environment/clock.ts'
import type { Clock } from '../../runtime/environment/clock.ts'

const owner = 'replay'
const leaseMs = 60_000

/** A store in which an exported execution is before anybody else calls it. */
export function replayedStore(
  store: Store,
  exported: ExportedExecution,
  {
    codecs,
    maxValueBytes,
    values,
  }: Pick<DocketOptions, 'codecs' | 'maxValueBytes'> & {
    readonly values?: Readonly<Record<string, unknown>> | undefined
  },
  clock: Clock,
): Store {
  const encoding = createValueEncoding({ format: store.format, codecs, maxBytes: maxValueBytes })
  const time = fullClockOf(clock)
  const write = async (): Promise<void> => {
    const parts = await partsOfExport(exported, encoding, values)
    await store.open()
    await store.renewOwner(owner, leaseMs)
    const writes = new NumberedWrites(store)
    const writer = { writes, owner, now: () => time.now(), sleep: (ms: number) => sleep(time, ms) }
    await writeParts(writer, parts, '')
    await openParts(writer, parts.record)
    await store.endOwner(owner)
  }
  const written = write()
  // Each call says what went wrong.
  written.catch(() => {})
  return new Proxy(store, {
    get: (target, key) => {
      const value: unknown = Reflect.get(target, key)
      if (typeof value !== 'function') return value
      return async (...given: readonly unknown[]): Promise<unknown> => {
        await written
        return (value as (...all: readonly unknown[]) => unknown).apply(target, [...given])
      }
    },
  })
}
