/** A body that is too large, or too slow. */
export class BodyError extends Error {
  readonly reason: 'too large' | 'too slow' | 'unreadable'

  constructor(reason: BodyError['reason'], message: string, options?: ErrorOptions) {
    super(message, options)
    this.reason = reason
  }
}

/** How much of a body is read, and how long it may take. */
interface BodyLimits {
  readonly maxBytes: number
  readonly timeoutMs: number
}

/** The text of a request's or an answer's body: counted while it comes, whatever its headers say. @throws BodyError */
export async function boundedText(
  { body, headers }: Pick<Request, 'body' | 'headers'>,
  { maxBytes, timeoutMs }: BodyLimits,
): Promise<string> {
  const tooLarge = (): BodyError => new BodyError('too large', `a body may have ${maxBytes} bytes at the most`)
  if (Number(headers.get('content-length')) > maxBytes) {
    void body?.cancel().catch(() => {})
    throw tooLarge()
  }
  if (body === null) return ''
  const reader = body.getReader()
  let timer: NodeJS.Timeout | undefined
  const isLate = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new BodyError('too slow', `a body may take ${timeoutMs} ms at the most`)),
      timeoutMs,
    )
  })
  isLate.catch(() => {})
  const parts: Uint8Array[] = []
  let size = 0
  try {
    for (;;) {
      const { done, value } = await Promise.race([reader.read(), isLate])
      if (done) break
      size += value.byteLength
      if (size > maxBytes) throw tooLarge()
      parts.push(value)
    }
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(parts))
  } catch (thrown) {
    // The sender is not waited for.
    void reader.cancel().catch(() => {})
    if (thrown instanceof BodyError) throw thrown
    throw new BodyError('unreadable', 'the body could not be read as UTF-8', { cause: thrown })
  } finally {
    clearTimeout(timer)
  }
}
