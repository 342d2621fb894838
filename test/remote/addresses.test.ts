import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { innerAddress } from '../../src/remote/addresses.ts'
import { CallbackHosts } from '../../src/remote/callback-hosts.ts'
import { InnerAddressError, postCallback } from '../../src/remote/post-callback.ts'

test.each([
  ['127.0.0.1', 'loopback'],
  ['127.255.255.254', 'loopback'],
  ['0.0.0.0', 'unspecified'],
  ['169.254.169.254', 'link-local'],
  ['100.100.100.200', 'metadata'],
  ['::1', 'loopback'],
  ['::', 'unspecified'],
  ['[::1]', 'loopback'],
  ['fe80::1%eth0', 'link-local'],
  ['febf::1', 'link-local'],
  ['fd00:ec2::254', 'metadata'],
  ['::ffff:127.0.0.1', 'loopback'],
  ['::ffff:a9fe:a9fe', 'link-local'],
  ['::127.0.0.1', 'loopback'],
  ['::ffff:0:7f00:1', 'loopback'],
  ['64:ff9b::a9fe:a9fe', 'link-local'],
  ['64:ff9b:1::7f00:1', 'loopback'],
  ['2002:7f00:1::', 'loopback'],
  ['0:0:0:0:0:ffff:7f00:1', 'loopback'],
])('%s is an inner address: %s', (address, what) => {
  expect(innerAddress(address)).toBe(what)
})

test.each([
  '128.0.0.1',
  '10.0.0.1',
  '192.168.0.1',
  '169.253.0.1',
  '8.8.8.8',
  '2001:db8::1',
  '::ffff:8.8.8.8',
  'fec0::1',
  'example.com',
])('%s is no inner address', (address) => {
  expect(innerAddress(address)).toBeUndefined()
})

const hosts = new CallbackHosts([
  'orders.example.com',
  '*.partners.example.com',
  'api.example.com:8443',
  'http://localhost:3000',
  '10.0.0.5',
])

test.each([
  'https://orders.example.com/callbacks?a=1',
  'https://ORDERS.example.com./x',
  'https://a.partners.example.com/',
  'https://api.example.com:8443/',
  'http://localhost:3000/x',
  'https://10.0.0.5/',
])('a callback may go to %s', (url) => {
  expect(hosts.verdict(url)).toHaveProperty('url')
})

test.each([
  'http://orders.example.com/',
  'https://orders.example.com:444/',
  'https://orders.example.com.evil.test/',
  'https://evil.test/orders.example.com',
  'https://orders.example.com@evil.test/',
  'https://user:pass@orders.example.com/',
  'https://partners.example.com/',
  'https://evilpartners.example.com/',
  'http://localhost:3001/',
  'http://127.0.0.1:3000/',
  'http://2130706433:3000/',
  'http://0177.0.0.1:3000/',
  'http://[::1]:3000/',
  'http://[::ffff:127.0.0.1]:3000/',
  'https://169.254.169.254/latest/meta-data',
  'https://0xa9fea9fe/',
  'file:///etc/passwd',
  'ftp://orders.example.com/',
  'javascript:alert(1)',
  `https://orders.example.com/${'x'.repeat(3_000)}`,
  'no url',
])('no callback goes to %s', (url) => {
  expect(hosts.verdict(url)).toHaveProperty('refusal')
})

test.each(['169.254.169.254', '2852039166', '0xa9.0xfe.0xa9.0xfe', '[::ffff:a9fe:a9fe]'])(
  'an inner address that is listed in the form %s is the one that is meant, and no other name leads to it',
  (address) => {
    const listed = new CallbackHosts([`http://${address}`, 'http://*.example.com'])
    expect(listed.verdict(`http://${address}/`)).toMatchObject({ mayBeInner: true })
    expect(new CallbackHosts(['http://metadata.example.com']).verdict(`http://${address}/`)).toHaveProperty('refusal')
    expect(listed.verdict('http://metadata.example.com/')).toMatchObject({ mayBeInner: false })
  },
)

/** A server that keeps what it is sent. */
async function receiver(status: number, headers: Readonly<Record<string, string>> = {}) {
  const paths: string[] = []
  const server = createServer((request, response) => {
    paths.push(request.url!)
    response.writeHead(status, headers).end()
  })
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return { paths, port: (server.address() as AddressInfo).port }
}

const call = { headers: {}, body: '{}', timeoutMs: 5_000, signal: new AbortController().signal }

test('a name that leads to the machine itself is refused when it is connected to', async () => {
  const { paths, port } = await receiver(200)
  const url = new URL(`http://localhost:${port}/`)
  await expect(postCallback({ ...call, url, mayBeInner: false })).rejects.toThrow(InnerAddressError)
  expect(paths).toEqual([])
  expect(await postCallback({ ...call, url, mayBeInner: true })).toBe(200)
})

test('no redirect is followed', async () => {
  const other = await receiver(200)
  const { port } = await receiver(307, { location: `http://127.0.0.1:${other.port}/` })
  expect(await postCallback({ ...call, url: new URL(`http://127.0.0.1:${port}/`), mayBeInner: true })).toBe(307)
  expect(other.paths).toEqual([])
})
