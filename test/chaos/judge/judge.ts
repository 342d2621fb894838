import type { LogLine } from '../chaos-log.ts'
import type { Witness } from './change.ts'
import { CallerRules, callsOf } from './caller-rules.ts'
import { judgeLives } from './life-rules.ts'
import { RecordRules } from './record-rules.ts'
import { Stops } from './stops.ts'
import type { Violation } from './violation.ts'
import { judgeWork } from './work-rules.ts'

export interface Judgement {
  readonly violations: readonly Violation[]
  /** How many changes were seen. */
  readonly changes: number
  readonly executions: number
  /** How many answers there were, by operation. */
  readonly answers: Readonly<Record<string, number>>
  /** How many steps began. */
  readonly begins: number
}

export interface JudgeTerms {
  /** What every purge was for, in milliseconds. */
  readonly olderThanMs: number
  /** When everything had ended, and had time to be tidied up; from then on, whatever has ended may be purged. @default never */
  readonly quietAt?: number
}

/** Compares what a witness has recorded with what processes have written down. */
export async function judge(
  witness: Pick<Witness, 'changes' | 'lateMs'>,
  lines: readonly LogLine[],
  { olderThanMs, quietAt }: JudgeTerms,
): Promise<Judgement> {
  const violations: Violation[] = []
  const report = (rule: Violation['rule'], text: string): void => void violations.push({ rule, text })
  const { lateMs } = witness
  const calls = callsOf(lines)
  const deletions = new Map<string, number>()
  for (const { call, from } of calls)
    if (call.operation === 'delete' && !(deletions.get(call.execution)! < from)) deletions.set(call.execution, from)
  const isDeleted = (id: string, before: number): boolean => deletions.get(id)! <= before + lateMs
  const records = new RecordRules({ olderThanMs, quietAt, isDeleted, lateMs }, report)
  for await (const change of witness.changes()) records.see(change)
  records.finish()
  const { history } = records
  const stops = new Stops(lines)
  new CallerRules(history, stops, lateMs, report).judge(calls)
  judgeLives(calls, history, stops, lateMs, report)
  judgeWork(lines, history, stops, lateMs, report)
  const answers: Record<string, number> = {}
  for (const { call, answer } of calls)
    if (answer !== undefined) answers[call.operation] = (answers[call.operation] ?? 0) + 1
  return {
    violations,
    changes: history.order,
    executions: history.executions.size,
    answers,
    begins: lines.filter(({ kind }) => kind === 'begin').length,
  }
}
