import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { cli, fixtures } from './call-cli.ts'

const folder = mkdtempSync(join(tmpdir(), 'docket-values-'))
const file = join(folder, 'vault.db')
beforeAll(() => void vi.stubEnv('VAULT_FILE', file))
afterAll(() => {
  vi.unstubAllEnvs()
  rmSync(folder, { recursive: true })
})
const vault = ['--config', join(fixtures, 'vault.config.ts')]

test('no command shows a value of a sensitive type, with the graph’s code or without', async () => {
  const secret = 'open-sesame'
  const run = await cli(['run', 'vault', 'Hash', '-i', `Password=${secret}`, '--id', 'a', ...vault])
  expect(run).toMatchObject({ code: 0, out: '[sensitive]\n' })
  expect((await cli(['run', 'vault', 'Length', '-i', `Password=${secret}`, '--id', 'b', '-q', ...vault])).out).toBe(
    '12\n',
  )
  expect((await cli(['run', 'vault', 'Length', '-i', 'Password=no', ...vault])).err).not.toMatch(/"no"/)
  // Under a name that the type had before, too.
  expect((await cli(['run', 'vault', 'Digest', '-i', `Password=${secret}`, '-q', ...vault])).out).toBe('[sensitive]\n')
  expect(await cli(['query', 'a', 'hash', ...vault])).toMatchObject({
    code: 0,
    out: '"[sensitive]"\n',
    err: expect.stringMatching(/made of what is sensitive \(.*Hash/),
  })
  const calls = [
    ['list'],
    ['show', 'a', '--values'],
    ['show', 'b', '--values'],
    ['events', 'a'],
    ['why', 'a'],
    ['export', 'a'],
    ['acts'],
    ['explain', 'vault', 'Hash', '-i', `Password=${secret}`],
  ]
  for (const where of [vault, ['--store', file]])
    for (const argv of calls.slice(0, where === vault ? undefined : -1))
      for (const more of [[], ['--json']]) {
        const { code, out, err } = await cli([...argv, ...more, ...where])
        expect({ code, shown: `${out}${err}`.includes(secret) }).toEqual({ code: 0, shown: false })
      }
  const [shown] = (await cli(['show', 'b', '--values', '--json', '--store', file])).json
  expect(shown).toMatchObject({
    inputs: { Password: '[sensitive]' },
    output: 12,
    steps: [{ output: '[sensitive]' }, { output: 12 }],
  })
})

test('the answer of a sensitive update is not shown, with the graph’s code or without', async () => {
  await cli(['start', 'vault', 'Rotation', '--id', 'u', ...vault])
  const interruption = new AbortController()
  const working = cli(['worker', ...vault], { signal: interruption.signal })
  for (const where of [vault, ['--store', file]]) {
    const sent = await cli(['update', 'u', 'Rotate', '--value', '"open-sesame"', '--id', 'once', ...where])
    expect(sent).toMatchObject({ code: 0, out: '"[sensitive]"\n', err: '' })
  }
  interruption.abort()
  await working
})

test('what lies in a mailbox of a sensitive type is not shown, with the graph’s code or without', async () => {
  await cli(['start', 'vault', 'Rotation', '--id', 'm', ...vault])
  const secret = 'open-sesame'
  // Nobody is there who would answer.
  const update = ['update', 'm', 'Rotate', '--value', JSON.stringify(secret), '--id', 'u-1', '--wait', '1ms']
  expect((await cli([...update, ...vault])).code).not.toBe(0)
  for (const where of [vault, ['--store', file]]) {
    const [shown] = (await cli(['show', 'm', '--values', '--json', ...where])).json
    expect(shown?.['mailbox']).toMatchObject({
      messages: [{ kind: 'update', type: 'Rotate', id: 'u-1', value: '[sensitive]' }],
    })
    const { out } = await cli(['show', 'm', '--values', ...where])
    expect(out).toMatch(/update {3}Rotate {2}u-1/)
    expect(out).not.toContain(secret)
  }
})
