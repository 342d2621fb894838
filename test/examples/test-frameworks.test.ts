import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
// Its tests are tests of this file.
import '../../examples/test-frameworks/vitest.test.ts'
import { installedJest } from './installed-jest.ts'
import { withPackaged } from './packaged.ts'
import { packagedFiles } from './packaged-files.ts'

const root = resolve(import.meta.dirname, '../..')
const folder = join(root, 'examples/test-frameworks')

test('the tests of the example pass under node:test too', async () => {
  const command = ['--conditions=docket-source', '--test', '--test-reporter=tap', join(folder, 'node.test.ts')]
  const { stdout } = await promisify(execFile)(process.execPath, command, { cwd: root, timeout: 50_000 })
  expect(stdout).toMatch(/^# pass 2$/m)
  expect(stdout).toMatch(/^# fail 0$/m)
})

test('the tests of the example pass under Jest too, whose fake timers take microtasks as well', async () => {
  const installed = await installedJest()
  // As a project has it that has installed the package.
  withPackaged()
  const own = JSON.parse(readFileSync(join(folder, 'jest.config.json'), 'utf8')) as object
  const moduleNameMapper = Object.fromEntries([...packagedFiles()].map(([name, file]) => [`^${name}$`, file]))
  const config = JSON.stringify({ ...own, moduleNameMapper, rootDir: folder, cacheDirectory: join(installed, 'cache') })
  const command = ['--experimental-vm-modules', join(installed, 'node_modules/jest/bin/jest.js'), '--config', config]
  const { stderr } = await promisify(execFile)(process.execPath, command, { cwd: folder, timeout: 50_000 })
  expect(stderr).toMatch(/^Tests: +2 passed, 2 total$/m)
})
