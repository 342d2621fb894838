import type { Engine, Places } from '../durable/engine.ts'
import { postgresFootprint } from '../durable/footprints.ts'
import { chainLength } from '../durable/engine.ts'
import { load } from '../packages.ts'

interface DbosModule {
  readonly DBOS: {
    setConfig(config: Record<string, unknown>): void
    registerWorkflow(
      run: (seed: number) => Promise<number>,
      options: { name: string },
    ): (seed: number) => Promise<number>
    runStep(run: () => Promise<number>, options: { name: string }): Promise<number>
    launch(): Promise<void>
    shutdown(): Promise<void>
  }
}

/** DBOS on PostgreSQL: a workflow that calls ten steps one after another. */
export async function openDbos({ postgres }: Places): Promise<Engine> {
  const { DBOS } = await load<DbosModule>('@dbos-inc/dbos-sdk')
  const url = new URL(postgres)
  url.pathname = '/dbos'
  DBOS.setConfig({ name: 'bench', systemDatabaseUrl: url.href, systemDatabasePoolSize: 20, logLevel: 'error' })
  const chain = DBOS.registerWorkflow(
    async (seed) => {
      let value = seed
      for (let step = 0; step < chainLength; step++) {
        const before = value
        value = await DBOS.runStep(async () => before + 1, { name: `s${step}` })
      }
      return value
    },
    { name: 'chain' },
  )
  await DBOS.launch()
  const { read, close } = await postgresFootprint(postgres)
  return {
    run: () => chain(0),
    footprint: read,
    close: async () => {
      await close()
      await DBOS.shutdown()
    },
  }
}
