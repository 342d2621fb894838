import { clearTimeout, setTimeout } from 'node:timers'
import { isRecord } from '../core/is-record.ts'
import type { Hub, Watched } from './hub.ts'
import type { PageConnection } from './page-connection.ts'
import { readJson } from './read-json.ts'
import { isFilter } from './read-act.ts'
import type { Token } from './token.ts'
import type { WebSocket } from './web-packages.ts'

const patienceMs = 5_000

/** A WebSocket of a page: its first frame is the token, the others say what it looks at. Whatever else it sends ends it. */
export function acceptPage(socket: WebSocket, hub: Hub, token: Token): void {
  let page: PageConnection | undefined
  const timer = setTimeout(() => socket.close(1008, 'no token came'), patienceMs)
  timer.unref()
  socket.on('close', () => clearTimeout(timer))
  socket.on('message', (data, isBinary) => {
    try {
      const frame = isBinary ? undefined : readJson(String(data))
      if (page !== undefined) {
        hub.watch(page, watchedOf(frame))
        return
      }
      if (!isRecord(frame) || frame['type'] !== 'token' || !token.matches(frame['token']))
        return socket.close(1008, 'that is not the token')
      clearTimeout(timer)
      page = hub.open(socket)
    } catch {
      socket.close(1007, 'that is no frame')
    }
  })
}

function watchedOf(frame: unknown): Watched {
  if (!isRecord(frame) || frame['type'] !== 'watch') throw new TypeError('no frame')
  const { type: _, execution, filter, ...others } = frame
  const isKnown = Object.keys(others).length === 0 && (filter === undefined || isFilter(filter))
  if (!isKnown || !(execution === undefined || (typeof execution === 'string' && execution !== '')))
    throw new TypeError('no frame')
  return { ...(execution !== undefined && { execution }), ...(filter !== undefined && { filter: filter }) }
}
