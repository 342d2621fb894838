import { connect } from 'node:net'

/** An answer, as it came. */
export interface RawAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** What a request says. */
export interface RawRequest {
  readonly method?: string
  readonly path?: string
  /** As they are sent, one after the other; without a `Host`, one is added. */
  readonly headers?: readonly string[]
  readonly body?: string
}

/** Sends a request as nobody's client would: every header as it is given. Resolves with the answer once the connection is closed. */
export function rawRequest(
  port: number,
  { method = 'GET', path = '/', headers = [], body = '' }: RawRequest,
  host?: string,
): Promise<RawAnswer> {
  const lines = [...headers]
  if (!lines.some((line) => /^host:/i.test(line))) lines.push(`Host: 127.0.0.1:${port}`)
  if (!lines.some((line) => /^connection:/i.test(line))) lines.push('Connection: close')
  if (body !== '') lines.push(`Content-Length: ${Buffer.byteLength(body)}`)
  return rawText(port, `${method} ${path} HTTP/1.1\r\n${lines.map((line) => `${line}\r\n`).join('')}\r\n${body}`, host)
}

/** The same for an upgrade to a WebSocket: of one that is opened, status 101 is all that is waited for. */
export function rawUpgrade(port: number, path: string, headers: readonly string[], host?: string): Promise<RawAnswer> {
  const upgrade = [
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Version: 13',
    'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
  ]
  return rawRequest(port, { path, headers: [...headers, ...upgrade] }, host)
}

/** Sends a text and reads what comes back, until the other side closes or, of an upgrade, agrees. */
export function rawText(port: number, text: string, host = '127.0.0.1'): Promise<RawAnswer> {
  return new Promise((resolve, reject) => {
    const parts: Buffer[] = []
    const socket = connect(port, host, () => socket.write(text))
    const finish = (): void => resolve(answerOf(Buffer.concat(parts).toString()))
    socket.on('data', (part: Buffer) => {
      parts.push(part)
      if (!Buffer.concat(parts).toString().startsWith('HTTP/1.1 101')) return
      socket.destroy()
      finish()
    })
    socket.on('end', finish)
    socket.on('close', finish)
    socket.on('error', (error) => (parts.length > 0 ? finish() : reject(error)))
  })
}

function answerOf(text: string): RawAnswer {
  const [head = '', ...rest] = text.split('\r\n\r\n')
  const [first = '', ...lines] = head.split('\r\n')
  const headers = Object.fromEntries(
    lines.map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 1).trim()]),
  )
  return { status: Number(first.split(' ')[1] ?? 0), headers, body: rest.join('\r\n\r\n') }
}
