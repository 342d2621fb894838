import { createHash, randomBytes } from 'node:crypto'
import { connect } from 'node:net'
import { describe, expect, test } from 'vitest'
import { receiveCallbacks } from '../../src/remote/index.ts'
import { randomOf } from '../../src/testing/kit/seeded-random.ts'
import { billingService, chargesOf, docketOf, listen, secret } from './two-services.ts'

const base = 'http://billing.test'
const charge = { order: 'o-1', amount: 12 }

describe('a stranger', () => {
  const seed = Number(
    process.env['DOCKET_SEED'] ?? createHash('sha256').update(String(Date.now())).digest().readUInt32BE(),
  )

  test(`that sends anything gets an answer without a stack, and never 500 (DOCKET_SEED=${seed})`, async () => {
    const random = randomOf(seed)
    const pick = <T>(items: readonly T[]): T => items[Math.floor(random() * items.length)]!
    const errors: unknown[] = []
    const { handler } = billingService(chargesOf(), {
      callbackHosts: ['orders.example.com'],
      maxBody: 5_000,
      bodyTimeout: '200ms',
      onError: (error) => errors.push(error),
    })
    const callbacks = receiveCallbacks(docketOf({ graphs: [chargesOf()] }), {
      secret,
      onError: (error) => errors.push(error),
    })
    const junk = (): string =>
      pick([
        '',
        'null',
        '{}',
        '[]',
        '{"order":"o","amount":1}',
        '{"__proto__":null}',
        '{"$date":"x"}',
        '\u0000',
        '1e999',
        '"\\ud800"',
        '{"order":{"toString":1}}',
        'é'.repeat(3_000),
        '['.repeat(4_000),
        randomBytes(50).toString('latin1'),
      ])
    const parts = [
      'billing',
      'charge',
      'cancel',
      'result',
      '..',
      '.',
      '%2e%2e',
      '%',
      '%ff',
      '%00',
      '%ed%a0%80',
      ' ',
      'a'.repeat(500),
      '__proto__',
      'constructor',
      '😀',
      ';',
      '?x=y',
      '#',
    ]
    for (let turn = 0; turn < 400; turn++) {
      const path =
        random() < 0.4
          ? '/billing/charge'
          : `/${Array.from({ length: Math.floor(random() * 5) }, () => pick(parts)).join('/')}`
      const query = pick([
        '',
        '?callback=http://169.254.169.254/',
        '?callback=%00',
        '?callback=https://orders.example.com/',
        '?wait=1e9',
        '?wait=x',
        '?token=%ff',
        `?token=${'A'.repeat(5_000)}`,
      ])
      const method = pick(['POST', 'POST', 'GET', 'PUT', 'DELETE', 'OPTIONS', 'HEAD', 'X-Y'])
      const headers = new Headers({
        authorization: pick(['Bearer orders', 'Bearer orders', '', 'x', 'Bearer ../x', `Bearer ${'y'.repeat(150)}`]),
      })
      for (const name of [
        'nexus-request-id',
        'nexus-operation-token',
        'content-type',
        'content-length',
        'nexus-callback-x',
        'nexus-callback-host',
        'traceparent',
        'docket-call',
        'webhook-id',
        'webhook-timestamp',
        'webhook-signature',
      ])
        if (random() < 0.3)
          headers.set(
            name,
            pick([
              '',
              '0',
              '-1',
              '999999999999',
              'application/json',
              'a',
              'v1,AAAA',
              'x'.repeat(400),
              '\u00ff',
              '..%2f..',
            ]),
          )
      let request: Request
      try {
        const hasBody = method !== 'GET' && method !== 'HEAD'
        request = new Request(`${base}${path}${query}`, { method, headers, ...(hasBody && { body: junk() }) })
      } catch {
        continue
      }
      const response = await pick([handler, handler, callbacks])(request)
      const text = await response.text()
      expect([turn, response.status < 500 ? 'fine' : text]).toEqual([turn, 'fine'])
      expect(text).not.toMatch(/\bat \S+ \(|node:internal|\.ts:\d+/)
    }
    expect(errors).toEqual([])
  })

  test('that speaks no HTTP gets no answer that says more, and the server lives', async () => {
    const { handler } = billingService(chargesOf())
    const url = new URL(await listen(handler))
    const said = await Promise.all(
      [
        'GET\r\n\r\n',
        '\u0000\u0001\u0002',
        'POST /billing/charge HTTP/1.1\r\nHost: a b\r\nContent-Length: 1\r\n\r\n',
        'GET //x HTTP/1.1\r\nHost: \r\n\r\n',
        'CONNECT x HTTP/1.1\r\nHost: x\r\n\r\n',
        'TRACE / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n',
      ].map(
        (text) =>
          new Promise<string>((resolve) => {
            const socket = connect(Number(url.port), url.hostname, () => socket.end(text))
            let all = ''
            socket.setTimeout(1_000, () => socket.destroy())
            socket.on('data', (data) => (all += data.toString()))
            socket.on('error', () => {})
            socket.on('close', () => resolve(all))
          }),
      ),
    )
    expect(said.filter((text) => /\bat \S+ \(|\.ts:\d+/.test(text))).toEqual([])
    const response = await fetch(`${url.origin}/billing/charge`, {
      method: 'POST',
      headers: { authorization: 'Bearer a', 'content-type': 'application/json' },
      body: JSON.stringify(charge),
    })
    expect([200, 201]).toContain(response.status)
  })
})
