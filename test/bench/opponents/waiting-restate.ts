import { load } from '../packages.ts'
import { Begun, inLanes, sharedNow } from '../waiting/waiting-engine.ts'
import type { SignalSender, WaitingEngine } from '../waiting/waiting-engine.ts'
import { post, serve, startRestate } from './restate-server.ts'
import type { RestateEndpoints } from './restate-server.ts'

interface Context {
  run(name: string, run: () => number): Promise<number>
  sleep(ms: number): Promise<void>
  awakeable<T>(): { readonly id: string; readonly promise: Promise<T> }
  serviceClient(service: { name: string }): { run(given: number): Promise<number> }
}

interface RestateModule extends RestateEndpoints {
  service<Given>(definition: {
    name: string
    handlers: { run: (context: Context, given: Given) => Promise<number> }
  }): unknown
}

/** Restate: awakeables, `sleep` and calls of other services. Its server is this process's own, in its own memory and files. */
export async function openWaitingRestate(begun: Begun): Promise<WaitingEngine & SignalSender> {
  const restate = await load<RestateModule>('@restatedev/restate-sdk')
  const server = await startRestate()
  const waiting = new Map<string, (address: string) => void>()
  const asleep = new Begun()
  const services = [
    restate.service<string>({
      name: 'receive',
      handlers: {
        run: async (context, key) => {
          const { id, promise } = context.awakeable<string>()
          waiting.get(key)?.(`${server.url}/restate/awakeables/${id}/resolve`)
          await promise
          return context.run('begin', () => {
            begun.note(key)
            return 1
          })
        },
      },
    }),
    restate.service<number>({
      name: 'child',
      handlers: { run: (context, given) => context.run('make', () => given + 1) },
    }),
    restate.service<number>({
      name: 'parent',
      handlers: {
        run: async (context, given) => {
          const start = sharedNow()
          await context.serviceClient({ name: 'child' }).run(given)
          return sharedNow() - start
        },
      },
    }),
    restate.service<number>({
      name: 'sleeper',
      handlers: {
        run: async (context, until) => {
          asleep.woke(until)
          await context.sleep(until - Date.now())
          return context.run('wake', () => {
            begun.woke(until)
            return 1
          })
        },
      },
    }),
  ]
  const endpoint = await serve(restate, server.admin, services)
  return {
    async wait(key) {
      const { promise, resolve } = Promise.withResolvers<string>()
      waiting.set(key, resolve)
      await post(`${server.url}/receive/run/send`, key)
      const address = await promise
      waiting.delete(key)
      return address
    },
    send,
    child: async () => (await post(`${server.url}/parent/run`, 1)) as number,
    async sleep(count, until) {
      asleep.expect(count)
      await inLanes(count, 50, () => post(`${server.url}/sleeper/run/send`, until))
      await asleep.allWoke
    },
    async close() {
      await server.stop()
      endpoint.close()
    },
  }
}

/** Whoever knows an awakeable resolves it through the server. */
export function openRestateSender(): SignalSender {
  return { send, close: async () => {} }
}

async function send(url: string): Promise<void> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify('go'),
  })
  await response.text()
  if (!response.ok) throw new Error(`${url} answered ${response.status}`)
}
