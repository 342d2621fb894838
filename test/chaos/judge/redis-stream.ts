import { connect } from 'node:net'
import type { Socket } from 'node:net'

/** A command with its arguments. */
export type Command = readonly Buffer[]

const acknowledgeEveryMs = 1_000

/**
 * What a Redis server sends to its replicas: every change, in the order in which it took effect, as the commands that make it; those of a
 * script come together. Keys that were there before are not in it.
 */
export class RedisStream {
  readonly #socket: Socket
  readonly #onChange: (commands: readonly Command[]) => void
  readonly #timer: NodeJS.Timeout
  #buffer: Buffer = Buffer.alloc(0)
  /** What comes next: the answers to what was sent, the snapshot, then commands. */
  #phase: 'answers' | 'snapshot' | 'commands' = 'answers'
  #snapshotLeft = 0
  #offset = 0
  #together: Command[] | undefined
  readonly ready: Promise<void>
  #isReady: () => void = () => {}

  constructor(port: number, onChange: (commands: readonly Command[]) => void) {
    this.#onChange = onChange
    this.ready = new Promise((resolve) => (this.#isReady = resolve))
    this.#socket = connect(port, '127.0.0.1')
    this.#socket.on('data', (data: Buffer) => this.#read(data))
    this.#socket.on('error', () => {})
    this.#send('REPLCONF', 'listening-port', '1')
    this.#timer = setInterval(() => {
      if (this.#phase === 'commands') this.#send('REPLCONF', 'ACK', String(this.#offset))
    }, acknowledgeEveryMs)
    this.#timer.unref()
  }

  close(): void {
    clearInterval(this.#timer)
    this.#socket.destroy()
  }

  #send(...words: readonly string[]): void {
    this.#socket.write(
      `*${words.length}\r\n${words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`).join('')}`,
    )
  }

  #read(data: Buffer): void {
    this.#buffer = this.#buffer.length === 0 ? data : Buffer.concat([this.#buffer, data])
    while (this.#phase === 'commands' ? this.#readCommand() : this.#readBeginning());
  }

  #readBeginning(): boolean {
    if (this.#phase === 'snapshot') {
      const count = Math.min(this.#snapshotLeft, this.#buffer.length)
      this.#buffer = this.#buffer.subarray(count)
      this.#snapshotLeft -= count
      if (this.#snapshotLeft > 0) return false
      this.#phase = 'commands'
      this.#isReady()
      return true
    }
    const line = this.#line(0)
    if (line === undefined) return false
    this.#buffer = this.#buffer.subarray(line.end)
    if (line.text.startsWith('-')) throw new Error(`no stream of changes: ${line.text}`)
    if (line.text === '+OK') this.#send('PSYNC', '?', '-1')
    // While it makes the snapshot, it sends empty lines.
    if (!line.text.startsWith('$')) return true
    this.#snapshotLeft = Number(line.text.slice(1))
    this.#phase = 'snapshot'
    return true
  }

  #line(from: number): { readonly text: string; readonly end: number } | undefined {
    const at = this.#buffer.indexOf('\r\n', from)
    // An empty line there may be without its first half.
    if (at < 0)
      return this.#buffer[from] === 0x0a && this.#phase !== 'commands' ? { text: '', end: from + 1 } : undefined
    if (this.#phase !== 'commands' && this.#buffer[from] === 0x0a) return { text: '', end: from + 1 }
    return { text: this.#buffer.toString('latin1', from, at), end: at + 2 }
  }

  #readCommand(): boolean {
    const head = this.#line(0)
    if (head === undefined) return false
    let { end } = head
    const words: Buffer[] = []
    for (let left = Number(head.text.slice(1)); left > 0; left--) {
      const size = this.#line(end)
      if (size === undefined) return false
      const length = Number(size.text.slice(1))
      if (this.#buffer.length < size.end + length + 2) return false
      words.push(this.#buffer.subarray(size.end, size.end + length))
      end = size.end + length + 2
    }
    this.#offset += end
    this.#buffer = this.#buffer.subarray(end)
    this.#take(words)
    return true
  }

  #take(words: Command): void {
    const name = words[0]!.toString('latin1').toUpperCase()
    if (name === 'MULTI') this.#together = []
    else if (name === 'EXEC') {
      this.#onChange(this.#together ?? [])
      this.#together = undefined
    } else if (this.#together === undefined) this.#onChange([words])
    else this.#together.push(words)
  }
}
