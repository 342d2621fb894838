import { createDocket } from '../../../src/index.ts'
import { violationsOf } from '../../processes/linearizability/check-history.ts'
import type { LogLine } from '../chaos-log.ts'
import { openStore } from '../chaos-stores.ts'
import type { StoreUnderTest } from '../chaos-stores.ts'
import { effectsOf } from '../effects.ts'
import type { StormOutcome } from '../storm.ts'
import { acceptedIn } from '../verdict.ts'
import type { Verdict } from '../verdict.ts'
import type { Correspondent, Sent } from './correspondent.ts'
import { abandonMs, wantedBy } from './function-graphs.ts'
import type { CartEnd, LedgerEnd } from './function-graphs.ts'

/** How often what happened, so that nobody takes a storm for a proof in which nothing did. */
export interface FunctionCounts {
  readonly letters: number
  readonly taken: number
  readonly answers: number
  readonly late: number
  readonly given: number
  readonly verbs: number
  readonly abandoned: number
  readonly parked: number
}

export interface FunctionsVerdict extends Verdict {
  readonly counts: FunctionCounts
}

/** Clocks of one machine, in whole milliseconds. */
const roundingMs = 2

type Report = (what: string) => void

/** Looks from outside whether what functions and machines were given, did and came to is what was promised. */
export async function functionsVerdict(
  store: StoreUnderTest,
  outcome: StormOutcome,
  { sent, histories, late, violations: written }: Correspondent,
): Promise<FunctionsVerdict> {
  const { lines } = outcome.log
  const violations = [...outcome.violations, ...written]
  const report: Report = (what) => void violations.push(what)
  const damage = store.check?.()
  if (damage !== undefined) report(damage)
  const names = new Set(lines.flatMap(({ kind, step }) => (kind === 'begin' ? [step!] : [])))
  const steps = [...names].map((name) => ({ name, from: [], scope: 'execution' as const }))
  const { counts: effects, violations: repeated } = effectsOf(lines, store.kind, steps)
  violations.push(...repeated)
  const verbs = checkGiven(lines, report)

  await using docket = createDocket({ graphs: [], store: openStore(store.kind, store.url), takeOver: false })
  const accepted = acceptedIn(lines)
  const lettersOf = Map.groupBy(sent, ({ execution }) => execution)
  const linesOf = Map.groupBy(lines, ({ execution }) => execution)
  let taken = 0
  for (const { execution, graph, leaves } of outcome.orders.values()) {
    const details = await (await docket.get(execution))?.details()
    const tell: Report = (what) => report(`${execution} (${graph}): ${what}`)
    if (details === undefined) {
      if (accepted.has(execution)) tell('lost: it was accepted, and the store does not know it')
      continue
    }
    if (details.status !== 'completed') {
      tell(`is ${details.status}${details.error instanceof Error ? `: ${details.error.message}` : ''}`)
      continue
    }
    const own = linesOf.get(execution) ?? []
    for (const { kind, worker, text } of own)
      if (kind === 'result' && text !== JSON.stringify(details.output)) tell(`${worker} was told ${text}`)
    const letters = lettersOf.get(execution) ?? []
    if (graph === 'ledgers') {
      const end = details.output as LedgerEnd
      taken += end.taken.length
      checkLedger(end, { letters, lines: own, wanted: wantedBy(leaves['Seed']!) }, tell)
      const history = histories.get(execution) ?? []
      for (const violation of violationsOf(history)) tell(violation)
      if (history.length !== end.turn) tell(`${history.length} updates were answered, and ${end.turn} were done`)
    } else {
      const end = details.output as CartEnd
      taken += end.items.length
      checkCart(end, letters, own, tell)
    }
  }
  const count = (kind: LogLine['kind']): number => lines.filter((line) => line.kind === kind).length
  const answers = [...histories.values()].reduce((sum, { length }) => sum + length, 0)
  const given = { given: count('given'), verbs, abandoned: count('fired'), parked: count('parked') }
  return { violations, effects, counts: { letters: sent.length, taken, answers, late, ...given } }
}

/** Each verb gives the same however often its function runs. @returns how many verbs there were */
export function checkGiven(lines: readonly LogLine[], report: Report): number {
  const known = new Map<string, string>()
  for (const { kind, execution, step, tag, worker } of lines) {
    if (kind !== 'given') continue
    const verb = `${execution} ${step}`
    const before = known.get(verb) ?? tag!
    known.set(verb, before)
    if (before !== tag) report(`${verb} gave ${before}, and ${tag} in ${worker}`)
  }
  return known.size
}

/** Letters are taken once, in their order, and none is left out. */
export function checkLedger(
  { taken, turn, last }: LedgerEnd,
  {
    letters,
    lines,
    wanted,
  }: { readonly letters: readonly Sent[]; readonly lines: readonly LogLine[]; readonly wanted: number },
  report: Report,
): void {
  if (new Set(taken).size < taken.length) report(`took a letter twice: ${taken.join(', ')}`)
  const stored = letters.filter(({ verdict }) => verdict === 'accepted').map(({ id }) => id)
  const first = stored.slice(0, taken.length)
  if (taken.join() !== first.join()) report(`took ${taken.join(', ')}, and was sent ${stored.join(', ')}`)
  // What was stored before it had waited in vain twice less would have been found by one of the last two waits.
  const waits = new Map<string, number>()
  for (const { kind, step, tag, at } of lines)
    if (kind === 'given' && tag === 'nothing') waits.set(step!, Math.min(waits.get(step!) ?? Infinity, at))
  const before = [...waits.values()].toSorted((one, other) => one - other).at(-3) ?? -Infinity
  const missed = letters.find(({ id, verdict }) => verdict === 'accepted' && !taken.includes(id))
  const isEnough = taken.length + turn >= wanted
  if (!isEnough && missed !== undefined && missed.storedAt < before)
    report(
      `ended for want of letters, and ${missed.id} was stored ${before - missed.storedAt} ms before two waits for it`,
    )
  const made = lines.filter(
    ({ kind, step }) => kind === 'given' && step !== undefined && !/^(?:receive|sleep)/.test(step),
  )
  if (!made.some(({ tag }) => tag === last)) report(`ended with ${last}, which no verb gave`)
}

/** A machine takes each event once, in its order, up to the one that ends its shopping. */
export function checkCart(
  { items, end, receipt }: CartEnd,
  letters: readonly Sent[],
  lines: readonly LogLine[],
  report: Report,
): void {
  if (new Set(items).size < items.length) report(`took an item twice: ${items.join(', ')}`)
  const stored = letters.filter(({ verdict }) => verdict === 'accepted')
  const out = stored.findIndex(({ type }) => type === 'CheckOut')
  const added = (end === 'paid' ? stored.slice(0, out) : stored)
    .filter(({ type }) => type === 'AddItem')
    .map(({ id }) => id)
  if (end === 'paid') {
    if (out < 0) report('was paid, and nobody checked out')
    if (items.join() !== added.join()) report(`was paid for ${items.join(', ')}, and was sent ${added.join(', ')}`)
    const charges = lines.filter(({ kind, step }) => kind === 'end' && step === 'charge')
    if (!charges.some(({ tag }) => tag === receipt)) report(`has the receipt ${receipt}, which no charge gave`)
    const charged = lines.filter(({ kind, step }) => kind === 'begin' && step === 'charge')
    for (const { from } of charged)
      if (from!['before'] !== items.join('+'))
        report(`was charged for ${from!['before']}, and ends with ${items.join('+')}`)
    return
  }
  if (items.join() !== added.slice(0, items.length).join())
    report(`was abandoned with ${items.join(', ')}, and was sent ${added.join(', ')}`)
  const armedAt = lines.find(({ kind }) => kind === 'armed')!.at
  const firedAt = lines.find(({ kind }) => kind === 'fired')!.at
  if (firedAt - armedAt < abandonMs - roundingMs) report(`was abandoned after ${firedAt - armedAt} ms`)
  const checkedOut = stored[out]
  if (checkedOut !== undefined && checkedOut.storedAt < armedAt + abandonMs - roundingMs - 1_000)
    report(`was abandoned, though ${checkedOut.id} was stored ${firedAt - checkedOut.storedAt} ms before`)
}
