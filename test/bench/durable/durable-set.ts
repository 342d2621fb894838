import { createDocket, dataType, graph as makeGraph, step, type } from '../../../src/index.ts'
import type { Docket } from '../../../src/index.ts'
import { durableChain, openStore } from '../opponents/durable-docket.ts'
import type { Places } from './engine.ts'

/** What the bench set of durable (Rust, PostgreSQL) measures, by its names: milliseconds, for each run. */
export type DurableSet = Readonly<Record<string, readonly number[]>>

/** The same set on Docket over PostgreSQL. Whoever starts an execution here runs it, too: there is no worker to be started. */
export async function measureDurableSet(places: Places, runs: number): Promise<DurableSet> {
  const found: Record<string, number[]> = {}
  const note = async (name: string, times: number, act: () => Promise<number | void>): Promise<void> => {
    await act()
    for (let run = 0; run < times; run++) {
      const start = performance.now()
      const own = await act()
      const measured = found[name] ?? []
      measured.push(own ?? performance.now() - start)
      found[name] = measured
    }
  }
  const quick = durableChain(1)
  await withDocket(places, [quick.graph], async (docket) => {
    const start = (): ReturnType<typeof docket.start> => docket.start(quick.graph, quick.target, quick.inputs)
    const started: { result(): Promise<unknown> }[] = []
    await note('spawn latency', runs * 20, async () => void started.push(await start()))
    await Promise.all(started.map((one) => one.result()))
    for (const atOnce of [1, 2, 4, 8])
      await note(`100 quick ones, ${atOnce} at once`, Math.ceil(runs / 3), async () => {
        let begun = 0
        const lane = async (): Promise<void> => {
          while (begun++ < 100) await docket.execute(quick.graph, quick.target, quick.inputs)
        }
        await Promise.all(Array.from({ length: atOnce }, lane))
      })
    await note('one round trip', runs * 10, async () => {
      await docket.execute(quick.graph, quick.target, quick.inputs)
    })
  })
  for (const length of [10, 50, 100]) await measureSteps(places, length, runs, note)
  for (const kilobytes of [1, 100, 1_000]) await measurePayload(places, kilobytes, runs, note)
  return found
}

type Note = (name: string, times: number, act: () => Promise<number | void>) => Promise<void>

/** A chain whose last step fails at first: then all before it are new; in the retry, all before it are there already. */
async function measureSteps(places: Places, length: number, runs: number, note: Note): Promise<void> {
  let fails = true
  const { graph, target, inputs } = durableChain(length + 1, (index) => {
    if (index === length && fails) throw new Error('not yet')
  })
  await withDocket(places, [graph], async (docket) => {
    fails = false
    await note(`${length} new steps`, runs, async () => {
      await docket.execute(graph, target, inputs)
    })
    await note(`${length} cached steps`, runs, async () => {
      fails = true
      const first = await docket.start(graph, target, inputs)
      await first.result().catch(() => {})
      fails = false
      const start = performance.now()
      const again = await docket.retry(first.id)
      await again.result()
      return performance.now() - start
    })
  })
}

/** One step that gets a text and gives it back. */
async function measurePayload(places: Places, kilobytes: number, runs: number, note: Note): Promise<void> {
  const Given = dataType('Given', type<string>())
  const Made = dataType('Made', type<string>())
  const echo = step({
    name: 'echo',
    inputs: { given: Given },
    output: Made,
    persist: 'execution',
    run: async ({ given }) => given,
  })
  const graph = makeGraph({ name: 'payload', steps: [echo] })
  const text = 'x'.repeat(kilobytes * 1_024)
  await withDocket(places, [graph], (docket) =>
    note(`payload of ${kilobytes} KB`, runs, async () => {
      await docket.execute(graph, Made, { Given: text })
    }),
  )
}

async function withDocket(
  places: Places,
  graphs: Parameters<typeof createDocket>[0]['graphs'],
  act: (docket: Docket) => Promise<void>,
): Promise<void> {
  await using docket = createDocket({ graphs, store: openStore('postgres', places) })
  await act(docket)
}
