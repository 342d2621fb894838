export { engineConformance } from './engine-conformance.ts'
export type { EngineConformanceOptions, EngineSpace, InterruptibleEngineSpace } from './engine-conformance-options.ts'
