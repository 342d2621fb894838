import { once } from 'node:events'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { expect, test } from 'vitest'
import { cli, fixtures } from './call-cli.ts'
import { useStore } from './fixtures/shop.ts'
import { join } from 'node:path'

test('docket inspect prints the URL of a page, serves it to whoever has the token until it is interrupted, and does not act', async () => {
  useStore()
  const interruption = new AbortController()
  const { promise, resolve } = Promise.withResolvers<string>()
  const serving = cli(['inspect', '--config', join(fixtures, 'docket.config.ts')], {
    signal: interruption.signal,
    onOut: resolve,
  })
  const url = new URL((await promise).trim())
  const headers = { 'x-docket-token': new URLSearchParams(url.hash.slice(1)).get('token') ?? url.hash.slice(1) }
  const about = await fetch(new URL('/api/about', url), { headers })
  expect(await about.json()).toMatchObject({ store: 'memory', allowsActions: false })
  expect((await fetch(new URL('/api/about', url))).status).toBe(401)
  interruption.abort()
  expect(await serving).toMatchObject({ code: 0, err: expect.stringMatching(/it is read-only/) })
  await expect(fetch(url)).rejects.toThrow()
})

test('--port 0 means any port that is free, and what is none is refused', async () => {
  useStore()
  const interruption = new AbortController()
  const { promise, resolve } = Promise.withResolvers<string>()
  const serving = cli(['inspect', '--port', '0'], { signal: interruption.signal, onOut: resolve, onErr: resolve })
  const said = await promise
  interruption.abort()
  expect((await serving).code).toBe(0)
  expect(Number(new URL(said).port)).toBeGreaterThan(0)
  for (const wrong of ['65536', '-1', '1.5'])
    expect(await cli(['inspect', `--port=${wrong}`])).toMatchObject({ code: 2, err: expect.stringMatching(/65535/) })
})

test('a page that others can reach needs a token of one’s own, which is not in the arguments', async () => {
  const { code, err } = await cli(['inspect', '--host', '0.0.0.0'])
  expect({ code, err }).toEqual({
    code: 2,
    err: expect.stringMatching(/give a token of your own.*DOCKET_INSPECTOR_TOKEN/),
  })
})

test('a port that another program has is a conflict', async () => {
  const other = createServer().listen(0, '127.0.0.1')
  await once(other, 'listening')
  const { port } = other.address() as AddressInfo
  expect(await cli(['inspect', '--port', String(port)])).toMatchObject({
    code: 4,
    err: `error: port ${port} of 127.0.0.1 is in use by another program: give another --port, or none for one that is free\n`,
  })
  other.close()
})
