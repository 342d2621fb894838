import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { sqliteStore } from '../../../stores/sqlite/index.ts'
import { memoryFolder } from '../../servers/memory-folder.ts'
import { workOff } from './backlog.ts'

const folder = memoryFolder('backlog')
afterAll(() => rmSync(folder, { recursive: true, force: true }))

test('of six hundred executions that wait, one worker with four slots loses none, and runs four at a time', async () => {
  const worked = await workOff(() => sqliteStore(join(folder, 'backlog.db')), 600, 4)
  expect(worked).toMatchObject({ lost: 0 })
  expect(worked.most).toBeLessThanOrEqual(4)
  expect(worked.mostOwned).toBeLessThanOrEqual(8)
})
