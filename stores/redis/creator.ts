import type { ExecutionRecord, NewExecution } from '../../src/core/contracts/execution-record.ts'
import { packedCheckpoints } from './checkpoints.ts'
import type { Connection } from './connection.ts'
import { createScript } from './execution-scripts.ts'
import { headRecord, newHead, newMembers } from './head-record.ts'
import type { Argument } from './link.ts'
import { intact, writeAll } from './script-writes.ts'
import type { Write } from './script-writes.ts'
import { stepBytes, stepField } from './step-record.ts'

/** Creates executions. Gives the record of each that was there. */
export async function createExecutions(
  { link, layout, packer }: Connection,
  executions: readonly NewExecution[],
): Promise<(ExecutionRecord | undefined)[]> {
  const writes = executions.map((execution, index): Write => {
    const { index: indexed, work } = newMembers(execution)
    const members = [indexed, work].flatMap((some) => [some.length * 2, ...some.flatMap((member) => [0, member])])
    const hint = execution.owner === undefined ? 'w' : ''
    const checkpoints = packedCheckpoints({ checkpoints: execution.checkpoints }, packer)
    const list: Argument[] = [hint, checkpoints, ...members, ...newHead(execution, packer)]
    for (const step of execution.steps ?? []) list.push(stepField(step), stepBytes(step, packer))
    return { index, id: execution.id, keys: layout.executionKeys(execution.id), list }
  })
  const replies = await writeAll(link, layout.hints, [{ run: createScript, writes }])
  return executions.map(({ id }, index) => {
    const reply = intact(replies[index], id, layout)
    return reply === 1 ? undefined : headRecord(id, layout.execution(id), reply, packer)
  })
}
