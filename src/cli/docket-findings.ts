import type { Docket, Engine, StoreFinding } from '../index.ts'
import { describeThrown } from '../core/thrown.ts'

const mostSkewMs = 1_000
const oldMs = 60_000
const mostShown = 5

/** What is found of a docket whose store answers: the server's settings, the clock, the engine, and what stands still. */
export async function* docketFindings(docket: Docket): AsyncGenerator<StoreFinding, void, undefined> {
  const { store, engine } = docket.options
  yield* (await store.diagnose?.()) ?? []
  yield await clockFinding(docket)
  if (engine !== undefined) yield await engineFinding(engine)
  yield* await workFindings(docket)
  yield* await incompatibleFindings(docket)
}

async function clockFinding({ options: { store } }: Docket): Promise<StoreFinding> {
  const before = Date.now()
  const time = await store.time?.()
  const after = Date.now()
  if (time === undefined) return { check: 'clock', level: 'good', text: 'the store has the time of each process' }
  // The answer was made somewhere between.
  const skewMs = Math.round(time - (before + after) / 2)
  return Math.abs(skewMs) - (after - before) / 2 <= mostSkewMs
    ? {
        check: 'clock',
        level: 'good',
        text: `the clock of this machine and that of the store are ${Math.abs(skewMs)} ms apart`,
      }
    : {
        check: 'clock',
        level: 'warning',
        text: `the clock of this machine is ${Math.abs(skewMs / 1_000).toFixed(1)} s ${skewMs > 0 ? 'behind' : 'ahead of'} that of the store, by which executions go; set both by NTP`,
      }
}

async function engineFinding(engine: Engine): Promise<StoreFinding> {
  try {
    await engine.open({ report: () => {} })
    await engine.close()
    return { check: 'engine', level: 'good', text: `the ${engine.name} engine answers` }
  } catch (error) {
    return { check: 'engine', level: 'problem', text: describeThrown(error) }
  }
}

/** Whether somebody lives that serves what stands ready. */
async function workFindings(docket: Docket): Promise<readonly StoreFinding[]> {
  const [all, open, queues] = await Promise.all([
    docket.workers(),
    docket.list({ status: ['pending', 'running', 'waiting', 'compensating'], limit: 1_000 }),
    docket.queues(),
  ])
  const workers = all.filter(({ isHere, queues }) => !isHere && Object.keys(queues).length > 0)
  const findings: StoreFinding[] = [
    workers.length === 0
      ? {
          check: 'workers',
          level: open.executions.length === 0 ? 'good' : 'warning',
          text: 'no process lives that runs executions',
        }
      : {
          check: 'workers',
          level: 'good',
          text: `${workers.length} ${workers.length === 1 ? 'process lives that runs' : 'processes live that run'} executions`,
        },
  ]
  for (const name of queues) {
    const queue = docket.queue(name)
    const [{ ready, oldestReadyMs = 0, overdue }, { pausedAt, note }] = await Promise.all([
      queue.backlog(),
      queue.info(),
    ])
    const check = `queue ${name}`
    if (pausedAt !== undefined)
      findings.push({
        check,
        level: 'warning',
        text: `it is paused since ${pausedAt.toISOString()}${note === undefined ? '' : ` (${note})`}, with ${ready} ready`,
      })
    else if (ready + overdue > 0 && !workers.some((one) => (one.queues[name] ?? 0) > 0))
      findings.push({
        check,
        level: 'problem',
        text: `${ready + overdue === 1 ? '1 execution' : `${ready + overdue} executions`} could go on, and no process that lives serves the queue: start your program with work: { ${JSON.stringify(name)}: 100 }, or docket worker`,
      })
    else if (oldestReadyMs > oldMs)
      findings.push({
        check,
        level: 'warning',
        text: `the oldest ready execution (of ${ready}) has waited for ${Math.round(oldestReadyMs / 1_000)} s: more slots, or more processes`,
      })
    else findings.push({ check, level: 'good', text: `${ready} ready` })
  }
  const owned = open.executions.flatMap(({ owner }) => owner ?? [])
  const lost = new Set(owned.filter((owner) => !all.some((one) => one.owner === owner)))
  if (lost.size > 0)
    findings.push({
      check: 'owners',
      level: workers.length === 0 ? 'problem' : 'warning',
      text: `${belongText(owned.filter((owner) => lost.has(owner)).length)} no more: ${[...lost].slice(0, mostShown).join(', ')}; ${workers.length === 0 ? 'nobody is there to go on with them' : 'others go on with them in a moment'}`,
    })
  return findings
}

function belongText(count: number): string {
  return count === 1
    ? '1 execution belongs to a process that lives'
    : `${count} executions belong to processes that live`
}

async function incompatibleFindings(docket: Docket): Promise<readonly StoreFinding[]> {
  if (docket.about().graphs.length === 0) return []
  const { incompatible, unknown, looked } = await docket.findIncompatible()
  const findings: StoreFinding[] = incompatible.slice(0, mostShown).map(({ id, graph, reasons }) => ({
    check: 'incompatible',
    level: 'problem',
    text: `execution ${id} of graph ${graph} can’t go on with this version: ${reasons.join('; ')}`,
  }))
  if (incompatible.length > mostShown)
    findings.push({ check: 'incompatible', level: 'problem', text: `and ${incompatible.length - mostShown} more` })
  for (const [graph, many] of Object.entries(unknown))
    findings.push({
      check: 'unknown-graph',
      level: 'warning',
      text: `${many} unfinished ${many === 1 ? 'execution is' : 'executions are'} of graph ${graph}, which this configuration does not have: others must`,
    })
  if (findings.length === 0)
    findings.push({
      check: 'incompatible',
      level: 'good',
      text: `${looked === 1 ? 'the only unfinished execution' : `all of the ${looked} unfinished executions`} can go on with this version`,
    })
  return findings
}
