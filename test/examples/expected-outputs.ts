/** What an example prints: the text itself, or the text with what differs from run to run made the same. */
export interface ExpectedOutput {
  readonly text: string
  readonly mask?: (output: string) => string
}

/** Every example that is run for its output alone, by its path in `examples/`. The guides quote these texts. */
export const expectedOutputs: Readonly<Record<string, ExpectedOutput>> = {
  'batch.ts': {
    text: `Metropolis: above average
Plan 9: below average
Stalker: above average
0: Metropolis has 4.5 stars
1: Plan 9 has 1 stars
2: Stalker has 4.7 stars
3 failed: InputError: inputs of item 3 for "Rating" of graph "movies": Movie.votes: Too small: expected array to have >=1 items
9091 of 100000 streamed movies are perfect`,
  },
  'caching.ts': {
    text: `100 callers at the same time: 1 call
and one more later: still 1
another text: 2 calls
what is remembered is known beforehand: cached`,
  },
  'class-steps.ts': { text: '18 EUR / 3000 JPY' },
  'compile-errors.ts': {
    text: `InputError: inputs for "Greeting" of graph "users": UserID: missing: "Greeting" needs it and no step produces it
InputError: inputs for "Greeting" of graph "users": UserID: Invalid input: expected string, received number
InputError: inputs for "Greeting" of graph "users": UserId: unknown input: no such type in the graph; did you mean "UserID"?; UserID: missing: "Greeting" needs it and no step produces it
GraphError: graph "twice" is not valid: two steps produce "Profile": "FetchProfile" and "InventProfile"; a type has one producer
GraphError: graph "hole" is not valid: no step of graph "hole" produces "Profile", which step "Greet" needs as "profile"; add a step that does, or name it in inputs`,
  },
  'concurrency.ts': {
    text: `15 pages, the last is page /5 of c.example
a.example: at most 2 at the same time
b.example: at most 2 at the same time
c.example: at most 2 at the same time`,
  },
  'error-handling.ts': {
    text: `order 1 paid, 7 left, 0 % off, nothing recommended
the warehouse was asked 3 times
step "CheckStock" failed after 1 attempt: no such order [Receipt ← Stock]
  cause: RangeError: no such order
step "Pay" failed after 1 attempt: card declined [Receipt ← Payment]
  cause: NonRetryableError: card declined
step "Pay" failed after 1 attempt: fraud [Receipt ← Payment]
  cause: AbortExecutionError: fraud`,
  },
  'explain.ts': {
    text: `leaves: UserID, Locale

Page of graph pages: 3 steps, 3 levels
  in  UserID (MISSING)
  in  Locale (given)
   0  FetchProfile  blocked  UserID → Profile
   1  DrawAvatar    blocked  Profile → Avatar
   2  RenderPage    blocked  Profile, optional(Avatar), Locale → Page
  missing: UserID

Page of graph pages: 3 steps, 3 levels
  in  UserID (given)
  in  Locale (given)
   0  FetchProfile  cached   UserID → Profile
   1  DrawAvatar    run      Profile → Avatar
   2  RenderPage    run      Profile, optional(Avatar), Locale → Page

flowchart TD
  leaf0(["UserID"])
  leaf1(["Locale"])
  step0["FetchProfile"]:::cached
  step1["DrawAvatar"]
  step2["RenderPage"]
  leaf0 -->|"UserID"| step0
  step0 -->|"Profile"| step1
  step0 -->|"Profile"| step2
  step1 -.->|"optional(Avatar)"| step2
  leaf1 -->|"Locale"| step2
  step2 --> target(("Page"))
  classDef cached stroke-dasharray: 4
  classDef missing stroke:#c00,color:#c00`,
  },
  'hello-world.ts': { text: 'Bonjour, Ada!' },
  'observability.ts': {
    text: `{"level":30,"seq":1,"at":…,"executionId":"order-7","graph":"invoices","target":"Invoice","msg":"execution.started"}
{"level":30,"executionId":"order-7","step":"WriteInvoice","attempt":1,"order":7,"msg":"writing"}
{"level":40,"seq":4,"at":…,"executionId":"order-7","graph":"invoices","step":"WriteInvoice","attempt":1,"durationMs":…,"timedOut":false,"err":{"type":"Error","message":"the printer is out of paper","stack":…},"msg":"attempt.failed"}
{"level":40,"seq":5,"at":…,"executionId":"order-7","graph":"invoices","step":"WriteInvoice","attempt":1,"delayMs":…,"dueAt":…,"msg":"retry.scheduled"}
{"level":30,"executionId":"order-7","step":"WriteInvoice","attempt":2,"order":7,"msg":"writing"}
{"level":30,"seq":8,"at":…,"executionId":"order-7","graph":"invoices","target":"Invoice","status":"completed","durationMs":…,"msg":"execution.ended"}
{"level":30,"attempts":2,"msg":"invoice for order 7"}`,
    mask: (output) =>
      output
        .replaceAll(/"(at|dueAt|durationMs|delayMs)":\d+/g, '"$1":…')
        .replaceAll(/"stack":"(?:[^"\\]|\\.)*"/g, '"stack":…'),
  },
  'own-logger.ts': {
    text: 'info: writing {"executionId":"order-7","step":"WriteInvoice","attempt":1,"order":7,"request":"r-42"}',
  },
  'parallel.ts': {
    text: `dashboard of profile, preferences, activity, friends, recommendations
5 calls of 50 ms took about 50 ms`,
    // One after the other they would take 250 ms; a machine under load may need a multiple of what an idle one does.
    mask: (output) =>
      output.replace(/took (\d+) ms/, (whole, ms) =>
        Number(ms) >= 49 && Number(ms) < 250 ? 'took about 50 ms' : whole,
      ),
  },
  'protobuf/main.ts': {
    text: '{"profile":{"name":"Alice","email":"alice@example.com"},"preferences":{"darkMode":true}}',
  },
  'retry.ts': {
    text: `attempt 1 failed, next in 10 ms
attempt 2 failed, next in 30 ms
sunny in Oslo (attempt 3)`,
  },
  'simulated-time.ts': {
    text: `attempt 1 failed, the next in 45 minutes
attempt 2 failed, the next in 90 minutes
sunny in Oslo, 135 simulated minutes later`,
  },
  'timeout.ts': {
    text: `a quick one:
  42
an attempt that takes too long:
  the step saw its signal
  StepTimeoutError: step "Think" did not answer within 30 ms (attempt 1)
an execution that takes too long:
  the step saw its signal
  after 10 ms
a caller who loses patience:
  the step saw its signal
  the execution of graph "oracle" was cancelled: the client hung up`,
  },
  'untyped-graph.ts': {
    text: `{"Length":18,"Words":6}
2 problems: step "MeasureLength" is listed twice: steps[0] and steps[2]; …`,
  },
  'xstate-actor.ts': {
    text: `reserving order 7
Reserve: completed
Pay: running
Print: pending
reservation of order 7, payment for order 7`,
  },
  'xstate-machine.ts': {
    text: `"loggedOut"
"greeting"
"loggedOut"
"greeting"
"loggedIn" Hello, ADA!`,
  },
}
