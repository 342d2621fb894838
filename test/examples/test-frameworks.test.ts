import { execFile } from 'node:child_process'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
// Its tests are tests of this file.
import '../../examples/test-frameworks/vitest.test.ts'

const root = resolve(import.meta.dirname, '../..')

test('the tests of the example pass under node:test too', async () => {
  const file = join(root, 'examples/test-frameworks/node.test.ts')
  const command = ['--conditions=docket-source', '--test', '--test-reporter=tap', file]
  const { stdout } = await promisify(execFile)(process.execPath, command, { cwd: root, timeout: 50_000 })
  expect(stdout).toMatch(/^# pass 2$/m)
  expect(stdout).toMatch(/^# fail 0$/m)
})
