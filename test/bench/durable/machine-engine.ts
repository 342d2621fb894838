/** Those who keep machines. */
export type MachineContender = `Docket on ${'PostgreSQL' | 'Redis' | 'SQLite'}` | '@restatedev/xstate'

/** Somebody who keeps machines, open in a process of its own. */
export interface MachineEngine {
  /** Makes a machine that ends after so many events. */
  readonly begin: (key: string, events: number) => Promise<void>
  /** Sends one event: resolves when it is safe that it counts. */
  readonly send: (key: string) => Promise<unknown>
  /** Resolves when the machine has ended, and gives what it has counted. */
  readonly end: (key: string) => Promise<number>
  readonly close: () => Promise<void>
}

/** So many machines, each of which gets so many events, one after another: the time of all of it from the first event on, in milliseconds an event. */
export async function measureMachines(engine: MachineEngine, machines: number, events: number): Promise<number> {
  const keys = Array.from(
    { length: machines },
    (_, index) => `${process.pid}-${machines}-${events}-${index}-${performance.now()}`,
  )
  await Promise.all(keys.map((key) => engine.begin(key, events)))
  const start = performance.now()
  const counts = await Promise.all(
    keys.map(async (key) => {
      for (let index = 0; index < events; index++) await engine.send(key)
      return engine.end(key)
    }),
  )
  const ms = performance.now() - start
  const wrong = counts.find((count) => count !== events)
  if (wrong !== undefined) throw new Error(`a machine has counted ${wrong} of ${events} events`)
  return ms / (machines * events)
}
