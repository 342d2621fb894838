import { chainLength } from '../durable/engine.ts'
import type { Engine } from '../durable/engine.ts'
import { processFootprint } from '../durable/footprints.ts'
import { load } from '../packages.ts'
import { post, serve, startRestate } from './restate-server.ts'
import type { RestateEndpoints } from './restate-server.ts'

interface Context {
  run(name: string, run: () => number): Promise<number>
}

interface RestateModule extends RestateEndpoints {
  service(definition: { name: string; handlers: { run: (context: Context, seed: number) => Promise<number> } }): unknown
}

/** Restate: its server (npm's binary, four partitions) beside a service over HTTP/2 in this process. */
export async function openRestate(): Promise<Engine> {
  const restate = await load<RestateModule>('@restatedev/restate-sdk')
  const server = await startRestate()
  const chain = restate.service({
    name: 'chain',
    handlers: {
      run: async (context, seed) => {
        let value = seed
        for (let step = 0; step < chainLength; step++) {
          const before = value
          value = await context.run(`s${step}`, () => before + 1)
        }
        return value
      },
    },
  })
  const endpoint = await serve(restate, server.admin, [chain])
  return {
    run: () => post(`${server.url}/chain/run`, 0),
    footprint: processFootprint(server.pid).read,
    async close() {
      await server.stop()
      endpoint.close()
    },
  }
}
