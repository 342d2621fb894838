import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { cli } from './call-cli.ts'
import { commandReference } from './command-reference.ts'

const guide = readFileSync(join(import.meta.dirname, '../../docs/command-line.md'), 'utf8')

test('docs/command-line.md has every command with its options', () => {
  expect(guide, 'run `npm run docs:commands`').toContain(
    `<!-- commands -->\n\n${commandReference()}\n\n<!-- end of commands -->`,
  )
})

test('docs/command-line.md has no call that the command line does not know', async () => {
  const blocks = [...guide.matchAll(/^```sh\n([^]*?)^```$/gm)].map(([, code = '']) => code)
  const calls = blocks.flatMap((code) => code.split('\n')).filter((line) => line.startsWith('docket '))
  expect(calls.length).toBeGreaterThan(20)
  for (const line of calls) {
    const command = line.replace(/ +#.*$/, '').split(/ \| | > /)[0]!
    const words = [...command.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, bare]) => quoted ?? bare!)
    // With --help, a call is read and does nothing; what is unknown in it is refused before.
    const known = await cli([...words.slice(1), '--help'], { cwd: '/' })
    const bare = await cli([...words.slice(1), '--no-such-option'], { cwd: '/' })
    expect(known.code, line).toBe(0)
    expect(bare.err, line).toMatch(/unknown option '--no-such-option'/)
  }
})
