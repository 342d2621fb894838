import type { MachineEngine } from '../durable/machine-engine.ts'
import { load } from '../packages.ts'
import { counterMachine } from './counter-machine.ts'
import { post, serve, startRestate } from './restate-server.ts'
import type { RestateEndpoints } from './restate-server.ts'

interface RestateXState {
  xstate(name: string, machine: unknown): unknown
}

interface Snapshot {
  readonly status: string
  readonly output?: number
}

/** @restatedev/xstate: a machine is a virtual object, and an event a call of it, which is through when the object's state is kept. */
export async function openRestateMachines(): Promise<MachineEngine> {
  const restate = await load<RestateEndpoints>('@restatedev/restate-sdk')
  const { xstate } = await load<RestateXState>('@restatedev/xstate')
  const server = await startRestate()
  const endpoint = await serve(restate, server.admin, [xstate('counter', counterMachine('counter'))])
  const call = (key: string, handler: string, body: unknown): Promise<unknown> =>
    post(`${server.url}/counter/${encodeURIComponent(key)}/${handler}`, body)
  const last = new Map<string, Snapshot>()
  return {
    begin: async (key, events) => void (await call(key, 'create', { input: { events } })),
    async send(key) {
      last.set(key, (await call(key, 'send', { event: { type: 'ADD', value: 1 } })) as Snapshot)
    },
    async end(key) {
      const snapshot = last.get(key)
      last.delete(key)
      if (snapshot?.status !== 'done') throw new Error(`the machine is ${snapshot?.status}, not done`)
      return snapshot.output ?? Number.NaN
    },
    async close() {
      await server.stop()
      endpoint.close()
    },
  }
}
