import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { encryption } from '../../src/codecs/index.ts'
import { sqliteStore } from '../../stores/sqlite/index.ts'
import { cli } from './call-cli.ts'
import { openShop, useOptions, useStore } from './fixtures/shop.ts'

test('what was encrypted is looked at without the codecs, but for its values, and is sent nothing that would not be', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'docket-encrypted-'))
  const file = join(folder, 'shop.db')
  useStore(sqliteStore(file))
  useOptions({ codecs: [encryption({ keys: { a: Buffer.alloc(32, 7) }, current: 'a' })] } as never)
  onTestFinished(() => {
    useStore()
    useOptions()
    rmSync(folder, { recursive: true })
  })
  const shop = openShop({})
  const order = await shop.startByName('orders', 'Approved', { Order: { id: 'x' } }, { id: 'order:x' })
  await expect.poll(async () => (await order.details()).status).toBe('waiting')
  await shop.close({ deadline: 0 })
  const store = ['--store', file]
  const shown = await cli(['show', 'order:x', '--values', ...store])
  expect(shown.code).toBe(0)
  expect(shown.out).toMatch(/^Pay +completed/m)
  expect(shown.out).toMatch(/^Approval +waiting .* waits for signal "Approval"$/m)
  expect(shown.out).toMatch(/can’t read the inputs .*codec "encryption"/)
  expect(shown.out).not.toContain('payment of x')
  expect(await cli(['why', 'order:x', 'Pay', ...store])).toMatchObject({
    code: 0,
    out: expect.stringContaining('[step.completed]'),
  })
  expect((await cli(['events', 'order:x', ...store])).out).toMatch(/step\.completed {2}Pay\n/)
  const signal = ['signal', 'order:x', 'Approval', '--value', '{"by":"Ada"}']
  expect(await cli([...signal, ...store])).toMatchObject({
    code: 4,
    err: expect.stringMatching(
      /^error: what is sent might not be stored as the values .* send it with a docket\.config\.ts/,
    ),
  })
  useStore(sqliteStore(file))
  expect(await cli(signal)).toMatchObject({ code: 0, out: 'order:x  accepted\n' })
})
