export { exponential, fixed } from './core/backoff.ts'
export { all, dataType, optional, type } from './core/data-type.ts'
export {
  AbortExecutionError,
  DocketError,
  errorCodes,
  ExecutionCancelledError,
  ExecutionConflictError,
  ExecutionTimeoutError,
  GraphError,
  InputError,
  NonRetryableError,
  OptionError,
  SerializationError,
  StepError,
  StepTimeoutError,
} from './core/errors.ts'
export { graph, untypedGraph } from './core/graph.ts'
export { step } from './core/step.ts'
export { executeBatch } from './runtime/execute-batch.ts'
export { execute } from './runtime/execute.ts'
export { explain } from './runtime/explain.ts'
export { fromGraph } from './runtime/from-graph.ts'
export { streamBatch } from './runtime/stream-batch.ts'
