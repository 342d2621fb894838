import { connect, Server } from 'node:net'
import type { Docket } from 'docket'
import { createInspector } from 'docket/inspector'
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest'
import { Gate } from '../../src/inspector/gate.ts'
import { WebServer } from '../../src/inspector/web-server.ts'
import { inspectedDocket, tokenOf } from './inspected-docket.ts'
import type { InspectedDocket } from './inspected-docket.ts'
import type { RawAnswer } from './raw-request.ts'
import { rawRequest, rawText, rawUpgrade } from './raw-request.ts'

let shown: InspectedDocket
let docket: Docket
let port: number
let token: string

beforeAll(async () => {
  shown = await inspectedDocket({ ingest: true, allowActions: true })
  ;({ docket, port, token } = shown)
})

afterAll(() => shown.close())

const paths = [
  '/',
  '/api/about',
  '/api/executions',
  '/api/execution?id=secret-execution',
  '/favicon.ico',
  '/api/acts',
  '/nothing',
]
/** What a browser sends for strangers, by where from: all but the token, which they can't know; here they do. */
const strangers = (): readonly (readonly [string, readonly string[]])[] => [
  ['a rebound name', [`Host: evil.test:${port}`]],
  ['0.0.0.0', [`Host: 0.0.0.0:${port}`]],
  ['another port', [`Host: 127.0.0.1:${port + 1}`]],
  ['no port', ['Host: 127.0.0.1']],
  ['a name that ends like ours', [`Host: evil-localhost:${port}`]],
  ['our name with a dot', [`Host: localhost.:${port}`]],
  ['credentials before our name', [`Host: evil.test@127.0.0.1:${port}`]],
  ['no name', ['Host:']],
  ['two names', [`Host: 127.0.0.1:${port}`, `Host: evil.test:${port}`]],
  ['another site', ['Origin: http://evil.test', 'Sec-Fetch-Site: cross-site']],
  ['another site, of which the browser says no more', ['Origin: http://evil.test']],
  ['an image of another site', ['Sec-Fetch-Site: cross-site', 'Sec-Fetch-Mode: no-cors']],
  ['a page of another port', ['Sec-Fetch-Site: same-site']],
  ['a page of another port, with its origin', [`Origin: http://127.0.0.1:${port + 1}`]],
  ['our origin under another of our names', [`Origin: http://localhost:${port}`]],
  ['https', [`Origin: https://127.0.0.1:${port}`]],
  ['a sandboxed frame', ['Origin: null']],
  ['two origins', [`Origin: http://127.0.0.1:${port}`, 'Origin: http://evil.test']],
]

describe('a request is refused, with nothing in the body, on every path', () => {
  test('of strangers, though they know the token', async () => {
    for (const [from, headers] of strangers())
      for (const path of paths) {
        const answer = await rawRequest(port, { path, headers: [...headers, `x-docket-token: ${token}`] })
        expect([from, path, answer.status >= 400 && answer.status < 404], from).toEqual([from, path, true])
        expect(answer.body).not.toContain('secret')
        expect(answer.body.length).toBeLessThan(120)
        expect(answer.headers).not.toHaveProperty('access-control-allow-origin')
      }
  })

  test('of strangers that ask for a WebSocket, and of those that don’t say where they come from', async () => {
    for (const [from, headers] of [...strangers(), ['nowhere', []] as const])
      for (const path of ['/api/live', '/', '/nothing']) {
        const { status, body } = await rawUpgrade(port, path, headers)
        expect([from, path, status], from).toEqual([from, path, status === 400 ? 400 : 403])
        expect(body).not.toContain('secret')
      }
    expect(await rawUpgrade(port, '/api/live', [`Origin: http://127.0.0.1:${port}`])).toMatchObject({ status: 101 })
    expect(await rawUpgrade(port, '/', [`Origin: http://127.0.0.1:${port}`])).toMatchObject({ status: 404 })
  })

  test('of a form of another site, and of its no-cors POST', async () => {
    for (const contentType of ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x']) {
      const headers = ['Origin: http://evil.test', 'Sec-Fetch-Site: cross-site', `Content-Type: ${contentType}`]
      const body = JSON.stringify({ act: 'delete', ids: ['secret-execution'] })
      expect(await rawRequest(port, { method: 'POST', path: '/api/acts', headers, body })).toMatchObject({
        status: 403,
      })
    }
    expect(await docket.get('secret-execution')).toBeDefined()
  })

  test('that is no request for a path', async () => {
    expect(
      (
        await rawText(
          port,
          `GET http://evil.test/api/about HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nConnection: close\r\n\r\n`,
        )
      ).status,
    ).toBe(400)
    expect(
      (await rawText(port, `OPTIONS * HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nConnection: close\r\n\r\n`)).status,
    ).toBe(400)
    expect((await rawText(port, 'GET / HTTP/1.0\r\n\r\n')).status).toBe(403)
  })
})

function about(headers: readonly string[], path = '/api/about'): Promise<RawAnswer> {
  return rawRequest(port, { path, headers })
}

describe('the token', () => {
  test('has 128 bits, is another one each time, and stands in the fragment alone', async () => {
    await using other = await createInspector({ docket })
    expect(token).toMatch(/^[\w-]{22}$/)
    expect(tokenOf(other)).not.toBe(token)
    expect(shown.url.split('#')[0]).toBe(`http://127.0.0.1:${port}/`)
  })

  test('is needed to read, too', async () => {
    for (const path of paths.filter((one) => one.startsWith('/api/')))
      for (const headers of [
        [],
        ['x-docket-token:'],
        [`x-docket-token: ${token.slice(1)}`],
        [`x-docket-token: ${token}x`],
        [`Cookie: token=${token}`],
        [`Authorization: Bearer ${token}`],
      ])
        expect((await about(headers, path)).status).toBe(401)
    expect(JSON.parse((await about([`x-docket-token: ${token}`])).body)).toMatchObject({
      name: 'docket',
      store: 'memory',
    })
  })

  test('is not taken from a URL, nor from the Referer', async () => {
    expect((await about([], `/api/about?token=${token}`)).status).toBe(400)
    expect((await about([`x-docket-token: ${token}`], `/api/about?token=${token}`)).status).toBe(400)
    expect((await about([`Referer: ${shown.url}`])).status).toBe(401)
  })

  test('is in no answer, and in no log', async () => {
    const warnings: string[] = []
    const note = (warning: Error): void => void warnings.push(String(warning.stack))
    process.on('warning', note)
    await using other = await createInspector({ docket, token: 'a-token-of-my-own-in-22' })
    const headers = ['x-docket-token: a-token-of-my-own-in-22']
    const bodies: string[] = []
    for (const path of [
      ...paths,
      '/api/value?id=x&of=y',
      '/api/execution?id=nobody',
      '/api/about?a-token-of-my-own-in-22',
    ])
      for (const method of ['GET', 'POST', 'PUT'])
        bodies.push((await rawRequest(other.port, { method, path, headers })).body)
    expect(String(other)).not.toContain('a-token-of-my-own')
    await new Promise((resolve) => setImmediate(resolve))
    process.off('warning', note)
    expect([...bodies, ...warnings].filter((text) => text.includes('a-token-of-my-own'))).toEqual([])
  })

  test('of one’s own is needed where others can reach the server', async () => {
    await expect(createInspector({ docket, host: '0.0.0.0' })).rejects.toThrow('give a token of your own')
    await expect(createInspector({ docket, token: 'short' })).rejects.toThrow('22 to 256')
    await using open = await createInspector({ docket, host: '0.0.0.0', token: 'a-token-of-my-own-in-22' })
    expect((await rawRequest(open.port, {})).status).toBe(200)
    expect((await rawRequest(open.port, { headers: [`Host: 0.0.0.0:${open.port}`] })).status).toBe(403)
  })
})

describe('every answer', () => {
  test('may run nothing, be framed by nobody, be kept nowhere, and be read by no other site', async () => {
    for (const [path, status] of [
      ['/', 200],
      ['/nothing', 404],
      ['/api/about', 401],
      ['/api/live', 404],
    ] as const) {
      const { headers, status: got } = await rawRequest(port, {
        path,
        headers: path === '/api/live' ? [`x-docket-token: ${token}`] : [],
      })
      expect([path, got]).toEqual([path, status])
      expect(headers['content-security-policy']).toMatch(/^default-src 'none'.*frame-ancestors 'none'/)
      expect(headers).toMatchObject({
        'x-content-type-options': 'nosniff',
        'cache-control': 'no-store',
        'referrer-policy': 'no-referrer',
        'cross-origin-resource-policy': 'same-origin',
      })
      expect(Object.keys(headers).filter((name) => /^access-control|^set-cookie/.test(name))).toEqual([])
    }
  })

  test('to a preflight is a refusal', async () => {
    const headers = [
      'Origin: http://evil.test',
      'Access-Control-Request-Method: POST',
      'Access-Control-Request-Headers: x-docket-token',
    ]
    expect((await rawRequest(port, { method: 'OPTIONS', path: '/api/acts', headers })).status).toBe(403)
    expect(
      (await rawRequest(port, { method: 'OPTIONS', path: '/api/acts', headers: [`x-docket-token: ${token}`] })).status,
    ).toBe(405)
  })

  test('for a path out of the page is that there is nothing', async () => {
    for (const path of [
      '/../package.json',
      '/..%2f..%2fpackage.json',
      '/%2e%2e/package.json',
      '/api/../../etc/passwd',
      '//etc/passwd',
      '/dist/../../x',
    ])
      expect([path, (await rawRequest(port, { path, headers: [`x-docket-token: ${token}`] })).status]).toEqual([
        path,
        404,
      ])
  })
})

/** What a browser is answered that opens a path for a person. */
async function opened(path: string): Promise<readonly unknown[]> {
  const { status, headers } = await rawRequest(port, { path, headers: ['Accept: text/html,*/*;q=0.8'] })
  return [status, headers['location']]
}

test('a path that a person opens leads to what the page has of it, and never elsewhere', async () => {
  expect(await opened('/executions/a%2Fb%20c/d')).toEqual([302, '/?execution=a%2Fb%20c%2Fd'])
  expect(await opened('/executions')).toEqual([302, '/'])
  expect(await opened('/fleet')).toEqual([302, '/?view=fleet'])
  expect(await opened('/executions/%')).toEqual([302, '/?execution=%25'])
  for (const path of ['//evil.test/x', '/%5Cevil.test', '/%2F%2Fevil.test'])
    expect([path, await opened(path)]).toEqual([path, [302, '/']])
  expect(await opened('/api/nothing')).toEqual([401, undefined])
})

test('headers and bodies that never end, and more connections than there may be, keep nobody from an answer, and are cut off', async () => {
  const gate = new Gate({ host: '127.0.0.1', port: 0, origins: [] })
  const patience = { headersMs: 100, requestMs: 200, idleMs: 100, lookMs: 50 }
  const server = new WebServer(
    { gate: () => gate, fetch: async (one) => new Response(await one.text()), socketAt: () => undefined },
    patience,
  )
  const slow = await server.listen(0, '127.0.0.1', () => {})
  const ended = Array.from({ length: 40 }, (_, index) => {
    const socket = connect(slow, '127.0.0.1').on('error', () => {})
    const head =
      index % 2 === 0
        ? 'GET / HTTP/1.1\r\nx-slow: '
        : 'POST / HTTP/1.1\r\nHost: localhost:0\r\nContent-Length: 100\r\n\r\n{'
    socket.write(head)
    return new Promise((resolve) => socket.on('close', resolve).resume())
  })
  expect((await rawRequest(slow, { headers: ['Host: localhost:0'] })).status).toBe(200)
  await Promise.all(ended)
  expect((await rawRequest(port, { headers: [`x-long: ${'a'.repeat(40_000)}`] })).status).toBe(431)
  await server.close()
})

test('options are checked, with all problems at once', async () => {
  const wrong = {
    docket: {},
    port: -1,
    host: '',
    token: 5,
    allowActions: 'yes',
    user: '',
    origins: ['*'],
    ingest: 1,
    prot: 3,
  }
  const failure: unknown = await createInspector(wrong as never).catch((error: unknown) => error)
  expect(failure).toMatchObject({ code: 'OPTION_INVALID' })
  for (const name of [
    'docket',
    'port',
    'host',
    'token',
    'allowActions',
    'user',
    'origins',
    'ingest',
    '"prot"; did you mean "port"?',
  ])
    expect((failure as Error).message).toContain(name)
})

test('behind a proxy, the page has the origin that it is opened under', async () => {
  await using behind = await createInspector({ docket, origins: ['https://inspect.example.com'] })
  const own = ['Host: inspect.example.com', `x-docket-token: ${tokenOf(behind)}`]
  expect((await rawRequest(behind.port, { path: '/api/about', headers: own })).status).toBe(200)
  expect(
    (await rawRequest(behind.port, { path: '/api/about', headers: [...own, 'Origin: https://inspect.example.com'] }))
      .status,
  ).toBe(200)
  expect(
    (await rawRequest(behind.port, { path: '/api/about', headers: [...own, 'Origin: http://inspect.example.com'] }))
      .status,
  ).toBe(403)
  expect(
    (await rawUpgrade(behind.port, '/api/live', ['Host: inspect.example.com', 'Origin: https://inspect.example.com']))
      .status,
  ).toBe(101)
})

test.each(['::ffff:127.0.0.1', '0:0:0:0:0:0:0:1', '::FFFF:7f00:1'])(
  'on %s, the page is let in by the name that browsers make of it, and it counts as this machine',
  async (host) => {
    await using other = await createInspector({ docket, host })
    const { origin, port: own } = new URL(other.url)
    // What a browser requests: an address of IPv6 has one form there.
    expect((await fetch(`${origin}/`)).status).toBe(200)
    const headers = [`Host: ${new URL(origin).host}`, `Origin: ${origin}`]
    expect(await rawUpgrade(Number(own), '/api/live', headers, host)).toMatchObject({ status: 101 })
    await expect(createInspector({ docket, host: '::ffff:10.0.0.1' })).rejects.toThrow('can be reached by others')
  },
)

test('a connection that the process can’t take ends nothing, and is reported', async () => {
  const listening = vi.spyOn(Server.prototype, 'listen')
  onTestFinished(() => listening.mockRestore())
  await using other = await createInspector({ docket })
  const [server] = listening.mock.contexts as Server[]
  const warned = new Promise<Error>((resolve) => process.once('warning', resolve))
  // As Node does where no file is left for one more.
  server!.emit('error', Object.assign(new Error('accept EMFILE'), { code: 'EMFILE' }))
  expect(await warned).toMatchObject({
    name: 'DocketInspectorWarning',
    message: expect.stringContaining('could not take a connection. accept EMFILE') as string,
  })
  expect((await rawRequest(other.port, {})).status).toBe(200)
})
