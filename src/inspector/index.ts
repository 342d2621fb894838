export { createInspector } from './inspector.ts'

export type { Inspector } from './inspector.ts'
export type { InspectorOptions } from './options.ts'
