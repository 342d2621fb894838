// Run by durable-functions.ts: Docket's long functions, in a process of their own.
import { answerParent } from '../durable/answer-parent.ts'
import { longFunction, reruns, sleepingKb } from '../durable/long-functions.ts'

answerParent({ longFunction, reruns, sleepingKb })
