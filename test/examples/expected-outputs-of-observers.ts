import type { ExpectedOutput } from './expected-output.ts'

/** Examples of logs, metrics and traces. */
export const outputsOfObservers: Readonly<Record<string, ExpectedOutput>> = {
  'metrics.ts': {
    text: `step "Charge" failed after 2 attempts: the bank did not answer
docket_executions_started_total{graph="orders",target="Receipt"} 3
docket_executions_ended_total{graph="orders",target="Receipt",status="completed",error_code=""} 2
docket_executions_ended_total{graph="orders",target="Receipt",status="failed",error_code="STEP_FAILED"} 1
docket_executions_running{graph="orders",target="Receipt"} 0
docket_step_attempts_total{graph="orders",step="Charge",outcome="failed"} 4
docket_step_attempts_total{graph="orders",step="Charge",outcome="completed"} 2
docket_step_retries_total{graph="orders",step="Charge"} 3
docket_queue_ready{queue="default"} 0
docket_worker_slots{queue="default",state="busy"} 0
docket_worker_slots{queue="default",state="free"} 10`,
  },
  'traces.ts': {
    text: `called from a trace: true
GET /stock: in CheckStock
CheckStock: in life of orders
Pay: in life of orders
life of orders: a root, linked to POST /orders
execution of orders: in life of orders
POST /orders: a root`,
  },
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
}
