import { setTimeout as sleep } from 'node:timers/promises'
import type { Places } from '../durable/engine.ts'
import { load } from '../packages.ts'
import { inLanes, sharedNow } from '../waiting/waiting-engine.ts'
import type { Begun, SignalSender, WaitingEngine } from '../waiting/waiting-engine.ts'

interface Steps {
  run(options: { name: string }, run: () => Promise<number>): Promise<number>
  sleep(name: string, duration: string): Promise<void>
  waitForSignal(options: { signal: string }): Promise<unknown>
  runWorkflow(spec: unknown, input: unknown): Promise<number>
}

interface Runnable<Input> {
  readonly workflow: { readonly spec: unknown }
  run(input: Input): Promise<{ resultPollIntervalMs: number; result(): Promise<number> }>
}

interface Client {
  defineWorkflow<Input>(
    spec: { name: string },
    run: (context: { readonly input: Input; readonly step: Steps }) => Promise<number>,
  ): Runnable<Input>
  newWorker(options: { concurrency: number }): { tick(): Promise<number>; stop(): Promise<void> }
  sendSignal(options: { signal: string; data: string }): Promise<{ workflowRunIds: readonly string[] }>
}

interface OpenWorkflowModule {
  readonly OpenWorkflow: new (options: { backend: unknown }) => Client
}

interface PostgresModule {
  readonly BackendPostgres: { connect(url: string): Promise<{ stop(): Promise<void> }> }
}

const pollMs = 5
const slots = 100

async function clientOf({
  postgres,
}: Places): Promise<{ readonly client: Client; readonly stop: () => Promise<void> }> {
  const { OpenWorkflow } = await load<OpenWorkflowModule>('openworkflow')
  const { BackendPostgres } = await load<PostgresModule>('openworkflow/postgres')
  const backend = await BackendPostgres.connect(`${postgres}?max=20`)
  return { client: new OpenWorkflow({ backend }), stop: () => backend.stop() }
}

/** openworkflow on PostgreSQL. Its own worker pauses up to a second between two looks; here it looks every 5 ms. */
export async function openWaitingOpenWorkflow(places: Places, begun: Begun): Promise<WaitingEngine & SignalSender> {
  const { client, stop } = await clientOf(places)
  const waiting = new Map<string, () => void>()
  const receive = client.defineWorkflow<string>({ name: 'receive' }, async ({ input, step }) => {
    waiting.get(input)?.()
    await step.waitForSignal({ signal: input })
    return step.run({ name: 'begin' }, async () => {
      begun.note(input)
      return 1
    })
  })
  const child = client.defineWorkflow<number>({ name: 'child' }, ({ input, step }) =>
    step.run({ name: 'make' }, async () => input + 1),
  )
  // Its function begins again at its top each time that it goes on.
  const took = new Map<string, { readonly start: number; readonly done: (ms: number) => void }>()
  const parent = client.defineWorkflow<string>({ name: 'parent' }, async ({ input, step }) => {
    const known = took.get(input)!
    if (Number.isNaN(known.start)) took.set(input, { ...known, start: sharedNow() })
    const made = await step.runWorkflow(child.workflow.spec, 1)
    const { start, done } = took.get(input)!
    done(sharedNow() - start)
    return made
  })
  const asleep = new Set<string>()
  const sleeper = client.defineWorkflow<{ key: string; until: number; ms: number }>(
    { name: 'sleeper' },
    async ({ input, step }) => {
      asleep.add(input.key)
      await step.sleep('sleep', `${input.ms}ms`)
      return step.run({ name: 'wake' }, async () => {
        begun.woke(input.until)
        return 1
      })
    },
  )
  const worker = client.newWorker({ concurrency: slots })
  const ending = new AbortController()
  const loop = async (): Promise<void> => {
    while (!ending.signal.aborted) if ((await worker.tick()) === 0) await sleep(pollMs)
  }
  const looping = loop()
  let parents = 0
  return {
    async wait(key) {
      const { promise, resolve } = Promise.withResolvers<void>()
      waiting.set(key, resolve)
      await receive.run(key)
      await promise
      waiting.delete(key)
      return key
    },
    send: (address) => sendTo(client, address),
    async child() {
      const key = `parent-${++parents}`
      const { promise, resolve } = Promise.withResolvers<number>()
      took.set(key, { start: Number.NaN, done: resolve })
      await parent.run(key)
      return promise
    },
    async sleep(count, until) {
      await inLanes(count, 50, (index) =>
        sleeper.run({ key: String(index), until, ms: Math.max(1, until - Date.now()) }),
      )
      while (asleep.size < count) await sleep(50)
    },
    async close() {
      ending.abort()
      await looping
      await worker.stop()
      await stop()
    },
  }
}

export async function openOpenWorkflowSender(places: Places): Promise<SignalSender> {
  const { client, stop } = await clientOf(places)
  return { send: (address) => sendTo(client, address), close: stop }
}

/** What nobody waits for yet is dropped. */
async function sendTo(client: Client, address: string): Promise<void> {
  const { workflowRunIds } = await client.sendSignal({ signal: address, data: 'go' })
  if (workflowRunIds.length === 0) throw new Error(`nobody waited for signal "${address}"`)
}
