import { request } from 'node:http'
import type { Docket } from 'docket'
import { createInspector } from 'docket/inspector'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { inspectedDocket, tokenOf } from './inspected-docket.ts'
import type { InspectedDocket } from './inspected-docket.ts'
import { rawRequest } from './raw-request.ts'
import type { RawAnswer } from './raw-request.ts'

let shown: InspectedDocket
let docket: Docket
let port: number
let token: string

beforeAll(async () => {
  shown = await inspectedDocket({ allowActions: true })
  ;({ docket, port, token } = shown)
})

afterAll(() => shown.close())

function act(given: { method?: string; headers?: readonly string[]; body?: string }): Promise<RawAnswer> {
  return rawRequest(port, { method: 'POST', path: '/api/acts', ...given })
}

function json(): readonly string[] {
  return ['Content-Type: application/json', `x-docket-token: ${token}`]
}

describe('a write', () => {
  const body = JSON.stringify({ act: 'cancel', ids: ['secret-execution'] })

  test('is a POST of JSON with the token, and nothing else', async () => {
    expect((await act({ method: 'GET', headers: json() })).status).toBe(405)
    expect((await act({ method: 'PUT', headers: json(), body })).status).toBe(405)
    expect((await act({ headers: [`x-docket-token: ${token}`], body })).status).toBe(415)
    expect((await act({ headers: ['Content-Type: text/plain', `x-docket-token: ${token}`], body })).status).toBe(415)
    expect((await act({ headers: ['Content-Type: application/json'], body })).status).toBe(401)
    expect((await act({ headers: json(), body })).status).toBe(200)
  })

  test('is refused where the inspector only shows', async () => {
    await using reading = await createInspector({ docket })
    const headers = ['Content-Type: application/json', `x-docket-token: ${tokenOf(reading)}`]
    expect(await rawRequest(reading.port, { method: 'POST', path: '/api/acts', headers, body })).toMatchObject({
      status: 403,
    })
  })

  test('of what nobody would send is answered with 400, and no word of the inside', async () => {
    const deep = `${'['.repeat(100_000)}${']'.repeat(100_000)}`
    const bodies = [
      '',
      'x',
      '{',
      'null',
      '[]',
      '"act"',
      '42',
      deep,
      `{"act":"start","graph":"g","target":"t","inputs":${deep}}`,
      '{"__proto__":{"act":"delete"}}',
      '{"act":"start","graph":"g","target":"t","inputs":{"__proto__":{"isAdmin":true}}}',
      '{"act":"constructor","ids":["a"]}',
      '{"act":"__proto__","ids":["a"]}',
      '{"act":"toString"}',
      '{"act":["cancel"],"ids":["a"]}',
      '{"act":"cancel"}',
      '{"act":"cancel","ids":"a"}',
      '{"act":"cancel","ids":[]}',
      '{"act":"cancel","ids":[1]}',
      '{"act":"cancel","ids":[""]}',
      '{"act":"cancel","ids":["a"],"more":1}',
      '{"act":"cancel","filter":{"status":1},"most":5}',
      '{"act":"cancel","filter":{},"most":0}',
      '{"act":"cancel","filter":{"constructor":"x"},"most":1}',
      '{"act":"cancel","filter":{},"most":1e9}',
      '{"act":"reschedule","id":"a","timer":"t","at":"soon"}',
      '{"act":"signal","id":5,"type":"T"}',
      `{"act":"cancel","ids":["${'a'.repeat(5_000)}"]}`,
    ]
    for (const one of bodies) {
      const answer = await act({ headers: json(), body: one })
      expect([one.slice(0, 80), answer.status]).toEqual([one.slice(0, 80), 400])
      expect(answer.body).not.toMatch(/\bat \S+:\d+|node_modules|\.ts/)
    }
    expect(({} as { isAdmin?: unknown }).isAdmin).toBeUndefined()
    const notUtf8 = Buffer.from([0x7b, 0xff, 0x7d]).toString('latin1')
    expect((await act({ headers: json(), body: notUtf8 })).status).toBe(400)
  })

  test('of megabytes is refused, whatever its length says', async () => {
    expect((await act({ headers: json(), body: `{"act":"${'x'.repeat(1_100_000)}"}` })).status).toBe(413)
    const status = await new Promise((resolve, reject) => {
      const headers = { 'content-type': 'application/json', 'x-docket-token': token, 'transfer-encoding': 'chunked' }
      const sent = request({ port, path: '/api/acts', method: 'POST', headers }, (response) =>
        resolve(response.resume().statusCode),
      )
      sent.on('error', reject)
      for (let part = 0; part < 20; part++) sent.write('x'.repeat(100_000))
      sent.end()
    })
    expect(status).toBe(413)
  })

  test('with parameters that nobody knows, wrong ones, or the same one twice, is answered with 400', async () => {
    for (const path of [
      '/api/executions?limit=abc',
      '/api/executions?limit=1e9',
      '/api/executions?status=nope',
      '/api/executions?x=1',
      '/api/executions?after=zzz',
      '/api/executions?from=yesterday',
      '/api/executions?limit=1&limit=2',
      '/api/execution',
      '/api/execution?id=',
      '/api/value?id=secret-execution&of=soul',
      '/api/value?id=secret-execution',
      '/api/form?graph=greetings&target=Helo',
      '/api/form?graph=x&target=y',
      `/api/execution?id=${'a'.repeat(2_000)}`,
      '/api/about?x',
      '/api/why?id=secret-execution&step=Nope',
    ]) {
      const { status, body: text } = await rawRequest(port, { path, headers: [`x-docket-token: ${token}`] })
      expect([path, status]).toEqual([path, 400])
      expect(JSON.parse(text)).toMatchObject({ error: { message: expect.any(String) as string } })
    }
    for (const path of [
      '/api/execution?id=nobody',
      '/api/value?id=nobody&of=output',
      '/api/why?id=nobody',
      '/api/machine?id=nobody&step=Greet',
    ])
      expect([path, (await rawRequest(port, { path, headers: [`x-docket-token: ${token}`] })).status]).toEqual([
        path,
        404,
      ])
  })
})
