// Run by the workloads that wait: one contender in a process of its own, or whoever sends signals to it.
import { answerParent } from '../durable/answer-parent.ts'
import type { Places } from '../durable/engine.ts'
import type { StoreKind } from '../opponents/durable-docket.ts'
import { openDbosSender, openWaitingDbos } from '../opponents/waiting-dbos.ts'
import { openDocketSender, openWaitingDocket } from '../opponents/waiting-docket.ts'
import { openOpenWorkflowSender, openWaitingOpenWorkflow } from '../opponents/waiting-openworkflow.ts'
import { openRestateSender, openWaitingRestate } from '../opponents/waiting-restate.ts'
import { broadcast } from '../waiting/broadcast.ts'
import { fillParked, parkedHeap, startUps } from '../waiting/parked.ts'
import { Begun, sharedNow } from '../waiting/waiting-engine.ts'
import type { SignalAddress, SignalSender, WaitingContender, WaitingEngine } from '../waiting/waiting-engine.ts'

interface Contender {
  readonly contender: WaitingContender
  readonly places: Places
  /** Of what Docket keeps. */
  readonly name: string
}

const kinds: readonly (readonly [string, StoreKind])[] = [
  ['Docket on PostgreSQL', 'postgres'],
  ['Docket on Redis', 'redis'],
  ['Docket on SQLite', 'sqlite'],
  ['Docket on MariaDB', 'mysql'],
]
const begun = new Begun()
let engine: (WaitingEngine & SignalSender) | undefined
let sender: SignalSender | undefined

function open({ contender, places, name }: Contender): Promise<WaitingEngine & SignalSender> {
  if (contender === 'DBOS') return openWaitingDbos(places, begun)
  if (contender === 'Restate') return openWaitingRestate(begun)
  if (contender === 'openworkflow') return openWaitingOpenWorkflow(places, begun)
  return openWaitingDocket(kindOf(contender), places, name, { begun, isParked: contender.endsWith(', parked') })
}

async function openSender({ contender, places, name }: Contender): Promise<SignalSender> {
  if (contender === 'DBOS') return openDbosSender(places)
  if (contender === 'Restate') return openRestateSender()
  if (contender === 'openworkflow') return openOpenWorkflowSender(places)
  return openDocketSender(kindOf(contender), places, name)
}

function kindOf(contender: WaitingContender): StoreKind {
  return kinds.find(([name]) => contender.startsWith(name))![1]
}

answerParent({
  open: async (which: Contender) => void (engine = await open(which)),
  openSender: async (which: Contender) => void (sender = await openSender(which)),
  wait: (key: string) => engine!.wait(key),
  /** When it began to send, by the clock that all processes share. */
  send: async (address: SignalAddress) => {
    const at = sharedNow()
    await (sender ?? engine!).send(address)
    return at
  },
  begunAt: (key: string) => begun.at(key),
  child: () => engine!.child(),
  sleep: async ({ count, until }: { count: number; until: number }) => {
    begun.expect(count)
    await engine!.sleep(count, until)
    return Date.now()
  },
  late: async () => {
    await begun.allWoke
    return begun.late
  },
  close: () => (sender ?? engine!).close(),
  fillParked,
  parkedHeap,
  startUps,
  broadcast,
})
