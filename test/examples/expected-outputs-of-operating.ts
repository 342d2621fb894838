import type { ExpectedOutput } from './expected-output.ts'

/** Those that look at executions, and live with running ones. */
export const outputsOfOperating: Readonly<Record<string, ExpectedOutput>> = {
  'why.ts': {
    text: `step.waitsForInputs
  step "Ship" waits for what "Pay" makes, in the end for "Approval": step "Approval" waits for signal "Approval" until 2026-01-08T12:00:00.000Z
step.inputFailed
  step "PrintVoucher" was skipped: its input from "AskPartner" never came: step "AskPartner" failed in attempt 1 of 1 at 2026-01-01T12:00:00.000Z: Error: the partner is closed
execution.noWorker
  execution "order:8" waits for a worker: none serves its queue "abroad" (the one process that lives does not); createDocket({ work: { "abroad": … } }) does, in your program or by docket worker
step.waitsForSignal Ship ← Pay ← Approval 2026-01-08T12:00:00.000Z`,
  },
  'acts.ts': {
    text: `[
  'payout:7 waits for signal "Approval"',
  'payout:8 waits for signal "Approval"'
]
accepted
completed
ended
{ by: 'ada', act: 'approve', note: undefined }
{ by: 'bob', act: 'approve', note: undefined }
{ by: 'bob', act: 'approve', note: 'not done: ended' }`,
  },
  'dev-server/main.ts': { text: 'accepted\napproved by Ada, says the code of load 2' },
  'replay.ts': {
    text: `paying o-7
RangeError: Invalid time zone specified: Europe/Atlantis
the card is in the file: false
step.failed
o-7, on 2026-01-02`,
  },
}
