// Run by durable-chain.ts: one contender in a process of its own.
import { answerParent } from '../durable/answer-parent.ts'
import { chainLength, groupSize } from '../durable/engine.ts'
import type { Engine, Places, RawWriter } from '../durable/engine.ts'
import type { ChainEffort, ChainRound, ContenderName } from '../durable/chain-round.ts'
import { openAbsurd } from '../opponents/durable-absurd.ts'
import { openBullMq } from '../opponents/durable-bullmq.ts'
import { openDbos } from '../opponents/durable-dbos.ts'
import { openFunction } from '../opponents/docket-function.ts'
import { openDocket } from '../opponents/durable-docket.ts'
import { openEffect } from '../opponents/durable-effect.ts'
import { openOpenWorkflow } from '../opponents/durable-openworkflow.ts'
import { openRaw } from '../opponents/durable-raw.ts'
import { openRestate } from '../opponents/durable-restate.ts'

const engines: Readonly<Record<Exclude<ContenderName, `raw ${string}`>, (places: Places) => Promise<Engine>>> = {
  'Docket on PostgreSQL': (places) => openDocket('postgres', places),
  'Docket on Redis': (places) => openDocket('redis', places),
  'Docket on SQLite, FULL': (places) => openDocket('sqlite', places),
  'Docket on SQLite, NORMAL': (places) => openDocket('sqlite-normal', places),
  'Docket on MariaDB': (places) => openDocket('mysql', places),
  'Docket in memory': (places) => openDocket('memory', places),
  'Docket’s function on PostgreSQL': (places) => openFunction('postgres', places),
  'Docket’s function on Redis': (places) => openFunction('redis', places),
  'Docket’s function on SQLite, FULL': (places) => openFunction('sqlite', places),
  DBOS: openDbos,
  openworkflow: openOpenWorkflow,
  Absurd: openAbsurd,
  Effect: openEffect,
  Restate: openRestate,
  BullMQ: openBullMq,
}
const writers: Readonly<Record<ContenderName & `raw ${string}`, (places: Places) => Promise<RawWriter>>> = {
  'raw PostgreSQL': (places) => openRaw('postgres', places),
  'raw Redis': (places) => openRaw('redis', places),
  'raw SQLite, FULL': (places) => openRaw('sqlite', places),
  'raw SQLite, NORMAL': (places) => openRaw('sqlite-normal', places),
}

answerParent({
  measure: ({ name, places, effort }: { name: ContenderName; places: Places; effort: ChainEffort }) =>
    name in writers
      ? measureWriter(writers[name as keyof typeof writers], places, effort)
      : measureEngine(engines[name as keyof typeof engines], places, effort),
})

async function measureEngine(
  open: (places: Places) => Promise<Engine>,
  places: Places,
  effort: ChainEffort,
): Promise<ChainRound> {
  const engine = await open(places)
  const value = await engine.run()
  if (value !== chainLength) throw new Error(`the chain's result is ${JSON.stringify(value)}, not ${chainLength}`)
  await oneAfterAnother(engine, effort.warmUps, effort.warmUpMs)
  const latencies = await oneAfterAnother(engine, effort.serialRuns, effort.serialMs)
  await engine.expect?.(effort.atOnce)
  // As warm as the raw writers get, and a service that has run for two seconds.
  await manyAtOnce(engine, effort.atOnce, Infinity, effort.warmUpMs)
  const before = await engine.footprint?.()
  const { runs, ms } = await manyAtOnce(engine, effort.atOnce, effort.concurrentRuns, effort.concurrentMs)
  const after = await engine.footprint?.()
  const steps = runs * chainLength
  void engine.close()
  return {
    latencies,
    msPerStep: ms / steps,
    runs,
    writesPerStep: before && after && (after.writes - before.writes) / steps,
    bytesPerStep: before && after && (after.bytes - before.bytes) / steps,
  }
}

async function oneAfterAnother({ run }: Engine, count: number, limitMs: number): Promise<number[]> {
  const latencies: number[] = []
  const end = performance.now() + limitMs
  while (latencies.length < count && performance.now() < end) {
    const start = performance.now()
    await run()
    latencies.push(performance.now() - start)
  }
  return latencies
}

/** The next one begins as soon as one ends; when the time is over, those under way are waited for. */
async function manyAtOnce(
  { run }: Engine,
  atOnce: number,
  count: number,
  limitMs: number,
): Promise<{ readonly runs: number; readonly ms: number }> {
  const start = performance.now()
  let runs = 0
  const lane = async (): Promise<void> => {
    while (runs < count && performance.now() < start + limitMs) {
      runs++
      await run()
    }
  }
  await Promise.all(Array.from({ length: atOnce }, lane))
  return { runs, ms: performance.now() - start }
}

async function measureWriter(
  open: (places: Places) => Promise<RawWriter>,
  places: Places,
  effort: ChainEffort,
): Promise<ChainRound> {
  const writer = await open(places)
  await writer.write(groupSize * 20)
  const before = await writer.footprint()
  const start = performance.now()
  let rows = 0
  // It is fast: as long as others run, rather than as much.
  while (performance.now() < start + effort.warmUpMs) {
    await writer.write(groupSize * 20)
    rows += groupSize * 20
  }
  const msPerStep = (performance.now() - start) / rows
  const after = await writer.footprint()
  void writer.close()
  return {
    latencies: [],
    msPerStep,
    runs: rows / chainLength,
    writesPerStep: (after.writes - before.writes) / rows,
    bytesPerStep: (after.bytes - before.bytes) / rows,
  }
}
