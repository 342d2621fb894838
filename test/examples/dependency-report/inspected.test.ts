import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join, resolve } from 'node:path'
import { expect, test } from 'vitest'
import { fixtureProject, lockOf } from './fixture-project.ts'

const root = resolve(import.meta.dirname, '../../..')
const main = join(root, 'examples/dependency-report/main.ts')

test('--inspect opens a page that shows the work, stays open once there is a report, and Ctrl-C prints that', async () => {
  const folder = await fixtureProject({
    'package-lock.json': lockOf({ '': { dependencies: { a: '1' } }, 'node_modules/a': { version: '1.0.0' } }),
    'node_modules/a/package.json': { version: '1.0.0', license: 'MIT' },
  })
  const child = spawn(process.execPath, ['--conditions=docket-source', main, folder, '--inspect', '--fresh', '--json'])
  let [stdout, stderr] = ['', '']
  child.stdout.on('data', (part: Buffer) => (stdout += part.toString()))
  const ended = once(child, 'close')
  for await (const part of child.stderr) {
    stderr += String(part)
    if (stderr.includes('stays open')) break
  }
  const { origin, hash } = new URL(/http:\S+/.exec(stderr)![0])
  const headers = { 'x-docket-token': hash.slice('#token='.length) }
  const { executions } = (await (await fetch(`${origin}/api/executions`, { headers })).json()) as {
    readonly executions: readonly { readonly graph: string; readonly status: string }[]
  }
  expect(executions).toMatchObject([{ graph: 'dependency-report', status: 'completed' }])
  expect(await (await fetch(`${origin}/`)).text()).toContain('<!doctype html>')
  expect(stdout).toBe('')
  child.kill('SIGINT')
  expect(await ended).toEqual([0, null])
  expect(JSON.parse(stdout)).toMatchObject({ packages: [{ name: 'a' }] })
})
