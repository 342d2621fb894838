import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, onTestFinished, test } from 'vitest'
import { createDocket } from '../../src/index.ts'
import type { Docket } from '../../src/index.ts'
import { door, line, Third } from '../durable/line.ts'
import { sqliteStore } from '../../stores/sqlite/index.ts'

const { line: graph } = line({ second: { run: () => door().promise } })

/** Longer than the store itself waits for a lock. */
const lockedMs = 4_000

const calls: Readonly<Record<string, (docket: Docket) => Promise<unknown>>> = {
  delete: (docket) => docket.delete('left'),
  cancel: (docket) => docket.cancel('left'),
  detach: async (docket) => (await docket.get('left'))!.detach(),
}

test('delete, cancel and detach wait for a file that somebody else has locked for longer than a moment', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'docket-busy-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const ends = Object.entries(calls).map(async ([name, call]) => {
    const path = join(folder, `${name}.db`)
    const leaving = createDocket({ graphs: [graph], store: sqliteStore(path) })
    await leaving.start(graph, Third, { Seed: 1 }, { id: 'left' })
    await leaving.close({ deadline: 0 })
    const docket = createDocket({ graphs: [graph], store: sqliteStore(path), lease: '20s', takeOver: false })
    await docket.list()
    const other = new DatabaseSync(path)
    other.exec('begin immediate')
    const called = call(docket)
    called.catch(() => {})
    await sleep(lockedMs)
    other.exec('commit')
    other.close()
    await called
    const left = (await docket.list()).executions.map(({ status }) => status)
    await docket.close()
    return [name, ...left]
  })
  expect(await Promise.all(ends)).toEqual([['delete'], ['cancel', 'cancelled'], ['detach', 'cancelled']])
})
