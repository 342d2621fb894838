import { typeOfPort } from './check-step.ts'
import type { AnyStep } from '../language/step.ts'

/**
 * Every cycle of types, each once, as names that start and end with the same type (`['A', 'B', 'A']`). One cycle is reported
 * for each group of types that reach one another: mending it shows the next. Depth is bounded by memory, not by the stack.
 */
export function findCycles(
  steps: readonly AnyStep[],
  producers: ReadonlyMap<string, AnyStep>,
): readonly (readonly string[])[] {
  const state = new Map<string, 'open' | 'done'>()
  const cycles: string[][] = []
  for (const { output } of steps) {
    if (state.has(output.name)) continue
    const path: { readonly type: string; readonly needs: readonly string[]; next: number }[] = []
    const enter = (type: string): void => {
      state.set(type, 'open')
      const producer = producers.get(type)
      path.push({
        type,
        needs: producer === undefined ? [] : Object.values(producer.inputs).map((port) => typeOfPort(port).name),
        next: 0,
      })
    }
    enter(output.name)
    while (path.length > 0) {
      const top = path[path.length - 1]!
      const need = top.needs[top.next++]
      if (need === undefined) {
        state.set(top.type, 'done')
        path.pop()
      } else if (state.get(need) === 'open') {
        const from = path.findIndex((entry) => entry.type === need)
        // The path goes from what needs to what is needed; shown in the direction of the data: A → B means that B is made from A.
        cycles.push([...path.slice(from).map((entry) => entry.type), need].toReversed())
      } else if (!state.has(need)) {
        enter(need)
      }
    }
  }
  return cycles
}
