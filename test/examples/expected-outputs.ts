import { outputsOfHooks } from './expected-outputs-of-hooks.ts'
import { outputsOfOperating } from './expected-outputs-of-operating.ts'
import { outputsOfObservers } from './expected-outputs-of-observers.ts'
import { outputsOfWaits } from './expected-outputs-of-waits.ts'
import { outputsOfWorkers } from './expected-outputs-of-workers.ts'
import type { ExpectedOutput } from './expected-output.ts'

const killedAndResumed = `charging order 7
shipping, attempt 1
shipping, attempt 2
payment of order 7, shipped`

/** Every example that is run for its output alone, by its path in `examples/`. The guides quote these texts. */
export const expectedOutputs: Readonly<Record<string, ExpectedOutput>> = {
  ...outputsOfWaits,
  ...outputsOfWorkers,
  ...outputsOfHooks,
  ...outputsOfOperating,
  ...outputsOfObservers,
  'batch.ts': {
    text: `Metropolis: above average
Plan 9: below average
Stalker: above average
0: Metropolis has 4.5 stars
1: Plan 9 has 1 stars
2: Stalker has 4.7 stars
3 failed: inputs of item 3 for "Rating" of graph "movies": Movie.votes: Too small: expected array to have >=1 items
909 of 10000 streamed movies are perfect`,
  },
  'priority-queues.ts': {
    text: `5 are ready, 0 run
encodes urgent of acme
encodes t1 of tiny
encodes a1 of acme
encodes a2 of acme
encodes a3 of acme
pending the disk is full
encodes t2 of tiny
t2.webm`,
  },
  'rate-limited-api.ts': {
    text: `0.0 s: acme calls /1
0.0 s: acme calls /2
0.0 s: zeta calls /1
queued [ { kind: 'rate', key: 'acme', limit: 2 } ]
0.5 s: acme calls /3
1.0 s: acme calls /4
1.5 s: acme calls /5
10.1 s: acme calls /sync
started deduplicated true answer to /sync`,
  },
  'caching.ts': {
    text: `100 callers at the same time: 1 call
and one more later: still 1
another text: 2 calls
what is remembered is known beforehand: cached`,
  },
  'two-services.ts': {
    text: `billing charges 12 for order 7
order 7 is paid: receipt r-7
order 7 is paid: receipt r-7
billing charges 5000 for order 8
RemoteError REMOTE_FAILED: operation "billing/charge" of another service was begun there and failed: step "Charge" failed after 1 attempt: the card has no cover
billing charges 3 for order 9
{ number: 'r-9', amount: 3 }`,
  },
  'class-steps.ts': { text: '18 EUR / 3000 JPY' },
  'compile-errors.ts': {
    text: `InputError: inputs for "Greeting" of graph "users": UserID: missing: "Greeting" needs it and no step produces it
InputError: inputs for "Greeting" of graph "users": UserID: Invalid input: expected string, received number
InputError: inputs for "Greeting" of graph "users": UserId: unknown input: no such type in the graph; did you mean "UserID"?; UserID: missing: "Greeting" needs it and no step produces it
GraphError: graph "twice" is not valid: two steps produce "Profile": "FetchProfile" and "InventProfile"; a type has one producer
GraphError: graph "hole" is not valid: no step of graph "hole" produces "Profile", which step "Greet" needs as "profile"; add a step that does, or name it in inputs
GraphError: graph "farm" is not valid: the types form a cycle: Chicken → Egg → Chicken; one of these steps must do without its input`,
  },
  'concurrency.ts': {
    text: `15 pages, the last is page /5 of c.example
a.example: at most 2 at the same time
b.example: at most 2 at the same time
c.example: at most 2 at the same time`,
  },
  'application-state.ts': {
    text: `Hello, user 7 of the database!
Hello, Ada!`,
  },
  'interceptors.ts': {
    text: `audit: offers began by call
  bureau: rates ada, trace 00-abc
audit: payments began by parent
offer, paid at 300
audit: payments did not begin: you may not run payments
audit: offers began by call
StepError: you may not run payments
audit: offers did not begin: you may not run offers
RefusedError: you may not run offers
audit: offers began by call
  bureau: rates somebody-else, trace 00-abc
audit: payments began by parent
StepError: step "AskBureau" failed after 1 attempt: no score is 1300
audit: offers began by call
audit: payments began by parent
StepError: step "AskBureau" failed after 1 attempt: the bureau is down
audit: offers began by call
audit: payments began by parent
StepError: step "AskBureau" failed after 1 attempt: AskBureau: the circuit is open
audit: offers began by call
audit: payments began by parent
StepError: step "AskBureau" failed after 1 attempt: AskBureau: the circuit is open`,
  },
  'user-signup.ts': {
    text: `activating user 12345
mail to ada@example.com: active since 2026-11-29
sms to ada@example.com: active since 2026-11-29
create_user completed, activate_user completed, send_email completed, send_sms completed
InputError: inputs for "results" of graph "user_signup": create_user.args.email: Invalid email address`,
  },
  'retry-logic.ts': {
    text: `fetch_page: attempt 1
  failed, next in 10 ms
fetch_page: attempt 2
  failed, next in 20 ms
fetch_page: attempt 3
read page of https://example.com
fetch_page: attempt 1
step "fetch_page" failed after 1 attempt: 410 Gone: NonRetryableError: 410 Gone
fetch_page: failed, attempts: 1, NonRetryableError: 410 Gone`,
  },
  'queries.ts': {
    text: `reserved 1000
1999 cents, shelf of o-1
paid 0`,
  },
  'constants.ts': {
    text: `too many items
fine, in USD
Verdict of graph checkout: 2 steps, 2 levels
  in  Cart (given)
   0  Limits  run      → Limits
   1  Judge   run      Cart, Limits → Verdict`,
  },
  'crash-recovery/main.ts': {
    text: `the first process takes an order
  process 1: charging order 7
  process 1: packing order 7, attempt 1
it was killed; in the database: {"Pay":"completed","Pack":"running","Print":"pending"}
the second process starts
  process 2: packing order 7, attempt 2
  process 2: payment of order 7, parcel of order 7
in the database: {"Pay":"completed","Pack":"completed","Print":"completed"}`,
  },
  'durable-batch.ts': {
    text: `the first process sent 4 of 8
together they sent 8, none of them twice: true
8 results, the last is the invoice of customer 18 for November`,
  },
  'durable-machine.ts': {
    text: `stuck after 1 payment
receipt of payment 1 for order 7, and 1 payment in all`,
  },
  'encryption.ts': {
    text: `status completed, inputs null, output null
the name is in the bytes: false
Ada is in good health
Bob is in good health
without the codecs: SerializationError`,
  },
  'error-handling.ts': {
    text: `order 1 paid, 7 left, 0 % off, nothing recommended
the warehouse was called 3 times
step "CheckStock" failed after 1 attempt: no such order [Receipt ← Stock]
  cause: RangeError: no such order
step "Pay" failed after 1 attempt: card declined [Receipt ← Payment]
  cause: NonRetryableError: card declined
step "Pay" failed after 1 attempt: fraud [Receipt ← Payment]
  cause: AbortExecutionError: fraud`,
  },
  'exactly-once.ts': {
    text: `100 calls, 1 charge
Error: no courier
sent: order 7 (1999 cents, payment 1)
and once more: order 7 (1999 cents, payment 1)
1 charge in all
ExecutionConflictError: execution "order:7" was started before with other inputs; use another id, or give the same target and inputs`,
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
  'exported-graph.ts': {
    text: `Hello, user-123!
Hello, user-456!`,
  },
  'graph-changes.ts': {
    text: `execution "trip:1" can't go on in this process: step "Quote" made version (none) of "Price", which is version 2 now
Oslo–Bergen for 120 NOK`,
  },
  'from-promises.ts': { text: 'Ada has 2 orders\nAda has 2 orders' },
  'hello-world.ts': { text: 'Bonjour, Ada!' },
  'migrations.ts': {
    text: `sqlite store: the database's tables are out of date: pending is migration 1 (tables), 2 (deadlines), 3 (leases by the machine), 4 (workers), 5 (numbers of calls); run up() of sqliteMigrations(…) or docket migrate --yes --store …, or open the store with migrate: true
10000_orders-by-tenant.sql
ran 1 and 2 and 3 and 4 and 5 and 10000
1 tables: applied
2 deadlines: applied
3 leases by the machine: applied
4 workers: applied
5 numbers of calls: applied
10000 orders-by-tenant: applied
42`,
  },
  'parallel.ts': {
    text: `dashboard of profile, preferences, activity, friends, recommendations
5 calls of 50 ms, 5 of them at the same time`,
  },
  'persistence/mysql.ts': { text: killedAndResumed, isRunTwice: true, server: 'mysql' },
  'persistence/postgres.ts': { text: killedAndResumed, isRunTwice: true, server: 'postgres' },
  'persistence/redis.ts': { text: killedAndResumed, isRunTwice: true, server: 'redis' },
  'persistence/sqlite.ts': { text: killedAndResumed, isRunTwice: true },
  'protobuf/main.ts': {
    text: '{"profile":{"name":"Alice","email":"alice@example.com"},"preferences":{"darkMode":true}}',
  },
  'graceful-shutdown.ts': {
    text: `200 a report of 100 ms
503 ask again for report:60000
in the next process it is running`,
  },
  'renaming.ts': {
    text: `paid, with 1 idempotency key
order:1 purchases { Purchase: { cents: 990 } }
ChargeCard completed in attempt 2`,
  },
  'request-handler.ts': {
    text: `an order: 202
once more: 202
with another amount: 409 execution "order:1" was started before with other inputs; use another id, or give the same target and inputs
without an amount: 400 Order.cents: Invalid input: expected number, received string
half a body: 400 the body is not JSON
what the database refuses: 500 something went wrong
order 1: 1999 cents for 1
order 4: there is no execution
while the process ends: 503 try again (after 5 s)`,
  },
  'stuck.ts': {
    text: `ExecutionHandle "order:7" of graph "orders", target "Letter" (running here; steps: 1 completed, 1 retrying, 1 pending; details() shows more)
it runs in this process, which renewed its lease 1.7 s ago; step "Ship" waits for attempt 2, due in 55 min (2026-01-01T13:00:00.000Z)
{
  step: 'Pay',
  status: 'completed',
  attempt: 1,
  since: 2026-01-01T12:00:00.000Z,
  waitsFor: undefined,
  error: undefined
}
{
  step: 'Ship',
  status: 'retrying',
  attempt: 1,
  since: 2026-01-01T12:00:00.000Z,
  waitsFor: { kind: 'retry', at: 2026-01-01T13:00:00.000Z },
  error: 'Error: the courier is on strike'
}
{
  step: 'Confirm',
  status: 'pending',
  attempt: 0,
  since: 2026-01-01T12:00:00.000Z,
  waitsFor: { kind: 'inputs', steps: [ 'Ship' ] },
  error: undefined
}`,
  },
  'inspect-docket.ts': {
    text: `Pay: pending
Ship: pending
Pay: running
Pay: retrying
Pay: running
Pay: completed
Ship: running
Ship: completed
parcel for payment of order 7`,
  },
  'inspect-page.ts': {
    text: `Approval: waiting, for signal "Approval"
Ship: pending, for what "Approval" makes
{ outcomes: [ { id: 'order:7', isDone: true, text: 'accepted' } ] }
parcel of order 7, approved by ada
401
order:7: completed`,
  },
  'retry-and-fork.ts': {
    text: `film-1 failed: Error: no language was chosen
words in the sound of film 1, in French (ran: Translate)
words in the sound of film 1, in Norwegian (ran: Translate)
words in the sound of film 1, uncut, in Norwegian (ran: ExtractAudio, Transcribe, Translate)
film-1-no: completed; ExtractAudio completed, Transcribe completed, Translate completed
deleted: 3`,
  },
  'retry.ts': {
    text: `attempt 1 failed, next in 10 ms
attempt 2 failed, next in 30 ms
sunny in Oslo (attempt 3)`,
  },
  'scope-comparison.ts': {
    text: `trip:ada: Oslo, room 1
trip:bob: Oslo, room 2
trip:ada: Oslo, room 1
Locate (global) ran 1 times
Book (execution) ran 2 times`,
  },
  'fake-timers.ts': {
    text: `sunny in Oslo`,
  },
  'simulated-time.ts': {
    text: `attempt 1 failed, the next in 45 minutes
attempt 2 failed, the next in 90 minutes
sunny in Oslo, 135 simulated minutes later
[ 'FetchWeather retrying, attempt 2' ]
sunny in Bergen`,
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
  'untrusted-inputs.ts': {
    text: `o-1, paid 1999
400 Payment: step "Pay" makes it, and inputs are what no step makes; to run with another value, give it in the options: { overrides: { Payment: … } }
400 Order.id: Invalid input: expected string, received number
400 Order.cents: Invalid input: expected number, received undefined
gift, paid 0`,
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
