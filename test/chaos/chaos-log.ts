import { closeSync, openSync, readSync, writeSync } from 'node:fs'
import type { Answer, Call } from './judge/call.ts'

/** What happened, in the order in which it was written: by workers (effects) and by the one who torments them (faults). */
export interface LogLine {
  readonly kind:
    | 'begin'
    | 'fail'
    | 'end'
    | 'accepted'
    | 'refused'
    | 'result'
    | 'no-result'
    | 'ended'
    | 'lost'
    | 'ready'
    | 'stood'
    | 'closing'
    | 'closed'
    | 'killed'
    | 'stopped'
    | 'continued'
    | 'server-fault'
    | 'server-back'
    | 'decided'
    | 'fired'
    | 'undoing'
    | 'undone'
    | 'parked'
    | 'left'
    | 'given'
    | 'armed'
    | 'sent'
    | 'unsent'
    | 'call'
    | 'answer'
  readonly at: number
  /** Names one process: each start of a worker has a name of its own. Empty for what concerns all. */
  readonly worker: string
  /** Which turn of its event loop: what was decided in one is done in it, however long the process is stopped in the middle. */
  readonly turn?: number | undefined
  readonly execution?: string | undefined
  readonly step?: string | undefined
  readonly attempt?: number | undefined
  readonly idempotencyKey?: string | undefined
  /** Whose values went in: the tag of each input, by type. */
  readonly from?: Readonly<Record<string, string>> | undefined
  readonly n?: number | undefined
  readonly seed?: number | undefined
  readonly tag?: string | undefined
  readonly text?: string | undefined
  readonly call?: Call | undefined
  readonly answer?: Answer | undefined
}

/**
 * A file outside of the store under test that many processes append to: each line is a single write at the end of the file, so what is
 * written is whole and stays, whenever the process dies.
 */
export class ChaosLog {
  readonly lines: LogLine[] = []
  readonly #fd: number
  readonly #worker: string
  #turn = 0
  #isSameTurn = false
  #position = 0
  #rest = ''

  constructor(path: string, worker = '') {
    this.#fd = openSync(path, 'a+')
    this.#worker = worker
  }

  write(kind: LogLine['kind'], more: Partial<LogLine> = {}): void {
    const line: LogLine = { kind, at: Date.now(), worker: this.#worker, turn: this.#turnNow(), ...more }
    writeSync(this.#fd, `${JSON.stringify(line)}\n`)
  }

  #turnNow(): number {
    if (!this.#isSameTurn) {
      this.#isSameTurn = true
      this.#turn++
      setImmediate(() => (this.#isSameTurn = false)).unref()
    }
    return this.#turn
  }

  /** Reads on to the end; gives what is new. */
  read(): readonly LogLine[] {
    const buffer = Buffer.alloc(1 << 18)
    const before = this.lines.length
    for (;;) {
      const count = readSync(this.#fd, buffer, 0, buffer.length, this.#position)
      if (count === 0) return this.lines.slice(before)
      this.#position += count
      const texts = (this.#rest + buffer.toString('latin1', 0, count)).split('\n')
      this.#rest = texts.pop()!
      for (const text of texts) this.lines.push(JSON.parse(text) as LogLine)
    }
  }

  close(): void {
    closeSync(this.#fd)
  }
}
