import { readFile } from 'node:fs/promises'
import { format, resolveConfig } from 'prettier'
import type { AnyStateMachine } from 'xstate'
import { batchMachine, executionMachine, stepMachine } from '../../machines/index.ts'
import { stateDiagramOf, stateTableOf } from './describe-machine.ts'

export const readmePath = new URL('../../machines/README.md', import.meta.url)
const examplePath = new URL('compiled-form.test.ts', import.meta.url)

/** The README as it is, and with what stands between its markers made again from the machines and the example. */
export async function refreshedReadme(): Promise<{ readonly current: string; readonly refreshed: string }> {
  const [current, example] = await Promise.all([readFile(readmePath, 'utf8'), readFile(examplePath, 'utf8')])
  const parts: Readonly<Record<string, string>> = {
    step: descriptionOf(stepMachine as unknown as AnyStateMachine),
    execution: descriptionOf(executionMachine as unknown as AnyStateMachine),
    batch: descriptionOf(batchMachine as unknown as AnyStateMachine),
    'compiled form': `\`\`\`ts\n${between(example, '// #region compiled form\n', '// #endregion')}\`\`\``,
  }
  let text = current
  for (const [name, part] of Object.entries(parts)) {
    const [start, end] = [`<!-- ${name} -->`, `<!-- end of ${name} -->`]
    text = text.replace(start + between(text, start, end), () => `${start}\n\n${part}\n\n`)
  }
  const style = await resolveConfig(readmePath)
  return { current, refreshed: await format(text, { ...style, parser: 'markdown' }) }
}

function descriptionOf(machine: AnyStateMachine): string {
  return `${stateDiagramOf(machine)}\n\n${stateTableOf(machine)}`
}

function between(text: string, start: string, end: string): string {
  const from = text.indexOf(start)
  const to = text.indexOf(end, from)
  if (from === -1 || to === -1) throw new Error(`no "${start}" that is followed by "${end}"`)
  return text.slice(from + start.length, to)
}
