import type { IncomingMessage, ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import type { FetchHandler } from './serve.ts'

/**
 * A listener for Node's own servers of a handler that takes requests as `fetch` has them.
 *
 * @example
 * createServer(nodeListener(serve(docket, options))).listen(3000)
 */
export function nodeListener(handler: FetchHandler): (request: IncomingMessage, response: ServerResponse) => void {
  return (incoming, outgoing) => {
    answer(handler, incoming, outgoing).catch(() => {
      // What can't be read as a request is no request.
      if (outgoing.headersSent) outgoing.destroy()
      else outgoing.writeHead(400).end()
    })
  }
}

async function answer(handler: FetchHandler, incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
  const controller = new AbortController()
  // The caller is gone before there was an answer.
  outgoing.on('close', () => {
    if (!outgoing.writableEnded) controller.abort(new Error('the connection was closed'))
  })
  const { method = 'GET', headers, url = '/' } = incoming
  const hasBody = method !== 'GET' && method !== 'HEAD'
  const init: RequestInit & { readonly duplex: 'half' } = {
    method,
    headers: headersOf(incoming),
    duplex: 'half',
    signal: controller.signal,
    ...(hasBody && { body: Readable.toWeb(incoming) as ReadableStream<Uint8Array> }),
  }
  const request = new Request(`http://${hostOf(headers.host)}${url.startsWith('/') ? url : '/'}`, init)
  const response = await handler(request)
  const body = Buffer.from(await response.arrayBuffer())
  // A body that was not read to its end would keep the connection.
  if (hasBody && !incoming.readableEnded) outgoing.setHeader('connection', 'close')
  outgoing.writeHead(response.status, Object.fromEntries(response.headers)).end(body)
}

function headersOf({ rawHeaders }: IncomingMessage): Headers {
  const headers = new Headers()
  for (let index = 0; index < rawHeaders.length; index += 2) headers.append(rawHeaders[index]!, rawHeaders[index + 1]!)
  return headers
}

function hostOf(host: string | undefined): string {
  return host !== undefined && URL.canParse(`http://${host}`) && new URL(`http://${host}`).host === host
    ? host
    : 'localhost'
}
