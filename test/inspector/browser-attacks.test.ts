import { createServer } from 'node:http'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { startChromium } from '../servers/chromium.ts'
import { inspectedDocket } from './inspected-docket.ts'
import type { InspectedDocket } from './inspected-docket.ts'

// Whatever name a page uses, it leads to this machine: what an attacker's own name server can do.
const browser: Browser = await startChromium([
  '--host-resolver-rules=MAP *.test 127.0.0.1',
  '--disable-features=LocalNetworkAccessChecks,BlockInsecurePrivateNetworkRequests',
])

let shown: InspectedDocket
let evil: Server
let evilPort: number
let context: BrowserContext
let page: Page

beforeAll(async () => {
  shown = await inspectedDocket({ allowActions: true, ingest: true })
  evil = createServer(
    (_, response) =>
      void response.setHeader('content-type', 'text/html').end('<!doctype html><title>evil</title><body>'),
  )
  await new Promise<void>((resolve) => evil.listen(0, '127.0.0.1', resolve))
  evilPort = (evil.address() as AddressInfo).port
})

afterAll(async () => {
  await browser.close()
  await shown.close()
  evil.close()
  evil.closeAllConnections()
})

beforeEach(async () => {
  context = await browser.newContext()
  page = await context.newPage()
})

afterEach(() => context.close())

/** What a request says. */
interface Init {
  readonly method?: string
  readonly mode?: string
  readonly body?: string
  readonly headers?: Readonly<Record<string, string>>
}

/** Runs a function that is a text, since its names are those of a browser, in a page. */
function inPage<T>(of: Page, text: string, ...args: readonly unknown[]): Promise<T> {
  return of.evaluate(`(${text})(${args.map((arg) => JSON.stringify(arg)).join(', ')})`)
}

/** What a script of the open page comes to: what it could read, or that it could read nothing. */
const read = (url: string, init: Init = {}): Promise<string> => inPage(page, reading, url, init)
const reading = `async (url, init) => {
  try {
    const response = await fetch(url, init)
    return response.type + ' ' + response.status + ' ' + (await response.text())
  } catch {
    return 'nothing'
  }
}`

/** What becomes of a WebSocket that a script opens, and that sends the token. */
const openSocket = (url: string): Promise<string> => inPage(page, listening, url, shown.token)
const listening = `(url, token) => new Promise((resolve) => {
  const socket = new WebSocket(url)
  socket.onopen = () => socket.send(JSON.stringify({ type: 'token', token }))
  socket.onmessage = ({ data }) => resolve(data)
  socket.onclose = () => resolve('closed')
})`

const postForm = `(url, text) => {
  const form = document.createElement('form')
  Object.assign(form, { action: url, method: 'POST', enctype: 'text/plain' })
  const input = document.createElement('input')
  Object.assign(input, { name: text, value: '' })
  form.append(input)
  document.body.append(form)
  form.submit()
}`
const loadImage = `(url) => new Promise((resolve) => {
  const image = new Image()
  image.onload = () => resolve('loaded')
  image.onerror = () => resolve('refused')
  image.src = url
})`
const addFrame = `(url) => {
  const frame = document.createElement('iframe')
  frame.src = url
  document.body.append(frame)
}`
const askSandbox = `(url, socketUrl, token) => new Promise((resolve) => {
  addEventListener('message', ({ data }) => resolve(data))
  const frame = document.createElement('iframe')
  frame.setAttribute('sandbox', 'allow-scripts')
  frame.srcdoc = '<script>(' + (async (url, socketUrl, token) => {
    const read = await fetch(url, { headers: { 'x-docket-token': token } }).then((r) => r.text()).catch(() => 'nothing')
    const socket = new WebSocket(socketUrl)
    socket.onopen = () => socket.send(JSON.stringify({ type: 'token', token }))
    socket.onmessage = ({ data }) => parent.postMessage(read + ' ' + data, '*')
    socket.onclose = () => parent.postMessage(read + ' closed', '*')
  }) + ')(' + [url, socketUrl, token].map((one) => JSON.stringify(one)).join() + ')</' + 'script>'
  document.body.append(frame)
})`

/** A page under a name of the attacker's, or of ours, that has a policy which lets it do all. */
async function openAs(origin: string): Promise<void> {
  const body = '<!doctype html><title>open</title><body>'
  await page.route(`${origin}/open`, (route) => route.fulfill({ contentType: 'text/html', body }))
  await page.goto(`${origin}/open`)
}

const own = (): string => `http://127.0.0.1:${shown.port}`
const withToken = (): Init => ({ headers: { 'x-docket-token': shown.token } })

test('a page of our own origin may read, listen and write: what follows is refused for where it comes from', async () => {
  await openAs(own())
  expect(await read(`${own()}/api/about`, withToken())).toMatch(/^basic 200 .*"store":"memory"/)
  expect(await read(`${own()}/api/about`)).toMatch(/^basic 401 /)
  expect(await openSocket(`ws://127.0.0.1:${shown.port}/api/live`)).toBe('{"type":"ready"}')
  const body = JSON.stringify({ act: 'delete', ids: ['nobody'] })
  const headers = { 'content-type': 'application/json', 'x-docket-token': shown.token }
  expect(await read(`${own()}/api/acts`, { method: 'POST', body, headers })).toMatch(/^basic 200 .*"isDone":false/)
})

describe('a site of strangers, that knows the token,', () => {
  beforeEach(() => page.goto(`http://evil.test:${evilPort}/`))

  test('reads nothing', async () => {
    for (const path of ['/', '/api/about', '/api/executions', '/nothing']) {
      expect(await read(`${own()}${path}`)).toBe('nothing')
      expect(await read(`${own()}${path}`, withToken())).toBe('nothing')
      expect(await read(`http://0.0.0.0:${shown.port}${path}`, withToken())).toBe('nothing')
      expect(await read(`http://localhost:${shown.port}${path}`, withToken())).toBe('nothing')
      expect(await read(`${own()}${path}`, { mode: 'no-cors' })).toMatch(/^nothing|^opaque 0 $/)
    }
  })

  test('opens no WebSocket', async () => {
    for (const host of ['127.0.0.1', 'localhost', '0.0.0.0'])
      expect(await openSocket(`ws://${host}:${shown.port}/api/live`)).toBe('closed')
  })

  test('writes nothing, by a form or by a request without CORS', async () => {
    const body = JSON.stringify({ act: 'delete', ids: ['secret-execution'] })
    await read(`${own()}/api/acts`, {
      method: 'POST',
      mode: 'no-cors',
      body,
      headers: { 'content-type': 'text/plain' },
    })
    await read(`${own()}/api/acts`, {
      method: 'POST',
      body,
      headers: { 'content-type': 'application/json', 'x-docket-token': shown.token },
    })
    await inPage(page, postForm, `${own()}/api/acts`, body)
    await page.waitForURL(`${own()}/api/acts`)
    expect(await page.textContent('body')).toContain('answers no other site')
    expect(await shown.docket.get('secret-execution')).toBeDefined()
  })

  test('shows no image and no frame of it', async () => {
    expect(await inPage(page, loadImage, `${own()}/`)).toBe('refused')
    await inPage(page, addFrame, `${own()}/`)
    await expect.poll(() => page.frames().length).toBe(2)
    const [, framed] = page.frames()
    await framed!.waitForLoadState().catch(() => {})
    expect(await framed!.content().catch(() => '')).not.toContain('<title>Docket')
  })

  test('has a sandboxed frame, whose origin is null, do no better', async () => {
    const url = `${own()}/api/about`
    const socket = `ws://127.0.0.1:${shown.port}/api/live`
    expect(await inPage(page, askSandbox, url, socket, shown.token)).toBe('nothing closed')
  })
})

test('a name that was rebound to this machine, with our port, is refused, in the same origin, with the token, on every path', async () => {
  const rebound = `http://evil.test:${shown.port}`
  expect((await page.goto(`${rebound}/`))?.status()).toBe(403)
  // What the attacker's server gave before the name was rebound.
  await openAs(rebound)
  for (const path of ['/', '/api/about', '/api/executions', '/nothing']) {
    const got = await read(`${rebound}${path}`, withToken())
    expect(got).toMatch(/^basic 403 /)
    expect(got).not.toContain('secret')
  }
  const body = JSON.stringify({ act: 'delete', ids: ['secret-execution'] })
  const headers = { 'content-type': 'application/json', 'x-docket-token': shown.token }
  expect(await read(`${rebound}/api/acts`, { method: 'POST', body, headers })).toMatch(/^basic 403 /)
  expect(await openSocket(`ws://evil.test:${shown.port}/api/live`)).toBe('closed')
})

test('another program of this machine, whose page is of the same site, reads nothing and writes nothing', async () => {
  await page.goto(`http://127.0.0.1:${evilPort}/`)
  expect(await read(`${own()}/api/about`, withToken())).toBe('nothing')
  expect(await read(`${own()}/`, { mode: 'no-cors' })).toMatch(/^nothing|^opaque 0 $/)
  expect(await openSocket(`ws://127.0.0.1:${shown.port}/api/live`)).toBe('closed')
})
