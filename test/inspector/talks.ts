import { dataType, graph, signal, step, type } from 'docket'

const Name = dataType('Name', type<string>())
export const Word = dataType('Word', type<string>())
export const Count = dataType('Count', type<number>())
export const Answer = dataType('Answer', type<string>())
const ask = step({ name: 'Count', inputs: { name: Name }, output: Count, run: ({ name }) => name.length })
const answer = step({
  name: 'Answer',
  inputs: { word: Word, count: Count },
  output: Answer,
  persist: 'execution',
  run: ({ word, count }) => word.repeat(count),
})
/** Waits for a word, and says it as often as a name has letters. */
export const talks = graph({ name: 'talks', steps: [signal(Word), ask, answer] })
/** Ends at once. */
export const quick = graph({ name: 'quick', steps: [ask] })
