import { load } from '../packages.ts'
import type { UpdateEngine } from '../durable/update-engine.ts'
import { post, serve, startRestate } from './restate-server.ts'
import type { RestateEndpoints } from './restate-server.ts'

interface Context {
  get(name: string): Promise<number | null>
  set(name: string, value: number): void
}

interface RestateModule extends RestateEndpoints {
  object(definition: { name: string; handlers: { add: (context: Context, value: number) => Promise<number> } }): unknown
}

/** Restate: a call of a virtual object, whose state is its sum; where it is, for others. */
export async function openRestateUpdates(): Promise<UpdateEngine & { readonly url: string }> {
  const restate = await load<RestateModule>('@restatedev/restate-sdk')
  const server = await startRestate()
  const sums = restate.object({
    name: 'sums',
    handlers: {
      add: async (context, value) => {
        const sum = ((await context.get('sum')) ?? 0) + value
        context.set('sum', sum)
        return sum
      },
    },
  })
  const endpoint = await serve(restate, server.admin, [sums])
  return {
    url: server.url,
    begin: async () => {},
    update: (key, value) => restateUpdate(server.url, key, value),
    async close() {
      await server.stop()
      endpoint.close()
    },
  }
}

export async function restateUpdate(url: string, key: string, value: number): Promise<number> {
  return (await post(`${url}/sums/${encodeURIComponent(key)}/add`, value)) as number
}
