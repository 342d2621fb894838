import { execFile } from 'node:child_process'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'

const root = resolve(import.meta.dirname, '../..')

test.each([
  { flags: [], execution: 'orders' },
  { flags: ['--durable'], execution: /[0-9a-f-]{36}/ },
])(
  'npm run example:inspector -- --once $flags shows execution and steps with their states, and ends',
  async ({ flags, execution }) => {
    const command = [
      join(root, 'node_modules/tsx/dist/cli.mjs'),
      '--conditions=docket-source',
      join(root, 'examples/inspector/main.ts'),
      '--once',
      ...flags,
    ]
    const { stdout, stderr } = await promisify(execFile)(process.execPath, command, { cwd: root, timeout: 60_000 })
    expect(stderr).toBe('')
    const lines = stdout.trimEnd().split('\n')
    expect(lines[0]).toMatch(/^the receiver shows what it gets at http:\/\/127\.0\.0\.1:\d+$/)
    const name = lines.flatMap((line) => /^(.*) is a machine "execution" with the states (.*)$/.exec(line) ?? [])
    expect(name.slice(1)).toEqual([
      expect.stringMatching(execution),
      'cancelled, compensating, completed, failed, pending, released, running, waiting',
    ])
    expect(lines.filter((line) => line.startsWith('CheckStock: '))).toEqual([
      'CheckStock: pending',
      'CheckStock: running',
      'CheckStock: retrying',
      'CheckStock: running (attempt 2)',
      'CheckStock: retrying (attempt 2)',
      'CheckStock: running (attempt 3)',
      'CheckStock: completed (attempt 3)',
    ])
    expect(lines.filter((line) => line.startsWith('FindDiscount: '))).toEqual([
      'FindDiscount: pending',
      'FindDiscount: running',
      'FindDiscount: failed',
    ])
    expect(lines).toContain(`${name[1]}: completed`)
    expect(lines.at(-1)).toBe('packed tea and honey for 20')
  },
)
