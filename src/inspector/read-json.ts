import { RequestProblem } from './request-problem.ts'

const deepest = 64

/** What a stranger has sent as JSON. @throws RequestProblem for what is no JSON, is nested too deeply, or has keys that lead to a prototype */
export function readJson(text: string): unknown {
  // Before it is parsed: whatever walks through the value later may do so by recursion.
  if (depthOf(text) > deepest) throw new RequestProblem(400, `JSON may be nested ${deepest} deep at the most`)
  const value = parse(text)
  // Whoever writes JSON escapes no letters: where nothing looks like it there is nothing to walk through.
  if (/__proto__|\\u00(?:5f|6f|7[024])/i.test(text) && hasProtoKey(value))
    throw new RequestProblem(400, 'a key may not be __proto__')
  return value
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw new RequestProblem(400, 'the body is no JSON')
  }
}

/** A reviver of `JSON.parse` is called for every number in it, and takes twenty times as long as parsing. */
function hasProtoKey(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false
  return Object.hasOwn(value, '__proto__') || Object.values(value).some(hasProtoKey)
}

function depthOf(text: string): number {
  let depth = 0
  let most = 0
  let isInText = false
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index)
    if (isInText) {
      if (code === 0x5c) index++
      else if (code === 0x22) isInText = false
    } else if (code === 0x22) isInText = true
    else if (code === 0x5b || code === 0x7b) most = Math.max(most, ++depth)
    else if (code === 0x5d || code === 0x7d) depth--
  }
  return most
}
