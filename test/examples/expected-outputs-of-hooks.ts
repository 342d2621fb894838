import type { ExpectedOutput } from './expected-output.ts'

/** What examples print of which each is a hook, and those of a process that is looked after. */
export const outputsOfHooks: Readonly<Record<string, ExpectedOutput>> = {
  'hooks/logging.ts': {
    text: `{"step":"Charge","attempt":1,"executionId":"order:1","correlationId":"c-7","msg":"begins"}
{"step":"Charge","attempt":1,"executionId":"order:1","correlationId":"c-7","msg":"failed","reason":"the bank is busy"}
{"step":"Charge","attempt":2,"executionId":"order:1","correlationId":"c-7","msg":"begins"}
{"step":"Charge","attempt":2,"executionId":"order:1","correlationId":"c-7","msg":"succeeded"}`,
  },
  'hooks/metrics.ts': {
    text: `docket_attempts_started_total {"step":"Charge"} 4
docket_attempts_total {"step":"Charge","status":"completed"} 2
docket_attempts_total {"step":"Charge","status":"failed"} 2
docket_executions_started_total {"graph":"orders"} 3
docket_attempt_seconds {"step":"Charge","status":"completed"} 2 samples
docket_attempt_seconds {"step":"Charge","status":"failed"} 2 samples
docket_step_input_bytes {"step":"Charge"} 4 samples`,
  },
  'hooks/validation.ts': {
    text: `10 euros to Ada
step "Pay" failed after 1 attempt: Pay: more than 1,000 euros need a signature (attempts: 1)`,
  },
  'hooks/audit.ts': {
    text: `start expenses for ada | lunch | done
signal Approval | lunch | accepted
start expenses for bob | dinner | done
cancel: he is not hungry | dinner | done
start expenses for mallory | yacht | you may not`,
  },
  'hooks/filtering.ts': {
    text: `named: ChargeCard
suffix: ChargeCard
prefix: SendMail
prefix: SendPush
named: Finish
mail: charged o-1, push: charged o-1`,
  },
  'hooks/circuit-breaker.ts': {
    text: `the circuit opens
the circuit closes
ada is rated in attempt 3
bob is rated in attempt 1
the bureau was called 4 times; it had peace: true`,
  },
  'health.ts': {
    text: `/livez: 200 ok
/readyz: 200 ok
{ name: 'shop', version: '1.4.2', queues: { default: 100 } }
/livez: 200 ok
/readyz: 503 this docket is closing, or closed`,
  },
  'autoscaling.ts': {
    text: `no workers, nothing to do: 0
no workers, and work for them: 50
a worker has done it: 0`,
  },
  'serverless.ts': {
    text: `answered
charged o-1
reminded of o-1`,
  },
  'retry-after.ts': {
    text: `next attempt in 1000 ms
sunny`,
  },
}
