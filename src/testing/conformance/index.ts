export { storeConformance } from './store-conformance.ts'
export type {
  InterruptibleSpace,
  StoreConformanceOptions,
  StoreSpace,
  StoreTransaction,
  TestFramework,
} from './conformance-options.ts'
