import { RequestProblem } from './request-problem.ts'

/** The text of a request's body, counted while it comes, whatever its headers say; that it comes in time is the server's to see to. @throws RequestProblem */
export async function boundedText({ body, headers }: Request, maxBytes: number): Promise<string> {
  const isTooLong = new RequestProblem(413, `a body may have ${maxBytes} bytes at the most`)
  if (Number(headers.get('content-length')) > maxBytes) throw isTooLong
  if (body === null) return ''
  const parts: Uint8Array[] = []
  let size = 0
  for await (const part of body) {
    size += part.byteLength
    if (size > maxBytes) throw isTooLong
    parts.push(part)
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(parts))
  } catch {
    throw new RequestProblem(400, 'the body is not UTF-8')
  }
}
