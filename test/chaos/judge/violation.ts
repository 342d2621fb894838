/** What must never be seen. */
export const rules = {
  'epoch went back': 'an epoch only grows',
  'owner without epoch': 'whoever becomes the owner begins a new epoch',
  'completed output changed': 'what is completed stays as it is',
  'end undone': 'an execution that has ended goes on only in a new epoch',
  'written by another': 'what is written is made by its owner, or was committed before',
  'completed step lost': 'a completed step stays for as long as its execution does',
  'begun with old rows': 'a new execution has nothing of a deleted one under its id',
  'purged too early': 'a purge deletes what has ended, and was old enough',
  'cancel lost': 'a cancellation is consumed with an end',
  'ran again': 'a step does not run again after its commit',
  'ran without right': 'a step runs only in a process that owns its execution',
  'worked after the end': 'no step begins after the end',
  'cancelled by nobody': 'an execution is cancelled by a call that was made since it began last',
  'begun by nobody': 'an execution that has ended begins again by a call that was made since',
  'answer not on record': 'what a caller gets as an answer is in the store',
  'unexpected answer': 'calls fail only for the reasons that are documented',
  'list is wrong': 'a list has what was there, each once, and as it was',
  'left behind': 'nothing stays that nothing ends',
  'never ended': 'each execution ends',
  'process failed': 'processes end only as they are ended, and print nothing',
} as const

export type Rule = keyof typeof rules

export interface Violation {
  readonly rule: Rule
  readonly text: string
}

export type Report = (rule: Rule, text: string) => void
