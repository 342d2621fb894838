/** A result that is remembered for everybody with equal inputs, and computed once however many ask at the same time. */
import { setTimeout as delay } from 'node:timers/promises'
import { dataType, execute, explain, graph, step } from 'docket'
import { z } from 'zod'

const Document = dataType('Document', z.object({ text: z.string() }))
const Embedding = dataType('Embedding', z.array(z.number()))

let calls = 0

// #region step
const embed = step({
  name: 'Embed',
  inputs: { document: Document },
  output: Embedding,
  persist: { scope: 'global', ttl: '1h', capacity: 1_000 },
  version: 2, // part of the key: change it when the code changes its meaning
  run: async ({ document }) => {
    calls++
    await delay(20) // an expensive model
    return [...document.text].map((character) => character.charCodeAt(0) / 256)
  },
})
const documents = graph({ name: 'documents', steps: [embed] })
// #endregion

// #region single-flight
const inputs = { Document: { text: 'abc' } }
const all = await Promise.all(Array.from({ length: 100 }, () => execute(documents, Embedding, inputs)))
console.log(`${all.length} callers at the same time: ${calls} call`)
// #endregion

await execute(documents, Embedding, inputs)
console.log(`and one more later: still ${calls}`)

await execute(documents, Embedding, { Document: { text: 'abcd' } })
console.log(`another text: ${calls} calls`)

console.log(`what is remembered is known beforehand: ${explain(documents, Embedding, inputs).steps[0]?.will}`)
