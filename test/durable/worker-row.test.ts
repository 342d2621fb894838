import { DatabaseSync } from 'node:sqlite'
import { join } from 'node:path'
import { expect, onTestFinished, test, vi } from 'vitest'
import { createDocket, dataType, graph, step, type } from '../../src/index.ts'
import { sqliteStore } from '../../stores/sqlite/index.ts'
import { temporaryFolder } from '../servers/guarded-process.ts'

const Out = dataType('Out', type<string>())
const fine = graph({ name: 'fine', steps: [step({ name: 'Fine', output: Out, run: () => 'fine' })] })

test('a process of which the store knows nothing any more, and which lives, is listed again', async () => {
  const file = join(temporaryFolder('worker-row'), 'docket.db')
  const docket = createDocket({ graphs: [fine], store: sqliteStore(file), name: 'worker', lease: 300 })
  const database = new DatabaseSync(file)
  onTestFinished(async () => {
    await docket.close()
    database.close()
  })
  expect(await docket.workers()).toHaveLength(1)
  database.exec('delete from docket_owners')
  await vi.waitFor(async () => expect(await docket.workers()).toMatchObject([{ name: 'worker' }]), { timeout: 5_000 })
})
