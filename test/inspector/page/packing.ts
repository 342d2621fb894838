/** A machine as XState's inspector sends it. */
export const packing = {
  id: 'packing',
  initial: 'picking',
  states: {
    picking: {
      on: { PICKED: [{ target: 'packing', guard: { type: 'allItemsPicked' } }, { target: 'missing' }] },
      after: { 60000: 'missing' },
    },
    missing: { on: { RESTOCKED: 'picking', CANCEL: 'cancelled' } },
    packing: {
      initial: 'boxing',
      states: {
        boxing: { invoke: { src: 'printLabel', onDone: 'labelled', onError: '#packing.missing' } },
        labelled: { on: { SCANNED: 'weighed' } },
        weighed: { type: 'final' },
      },
      onDone: 'done',
      on: { CANCEL: 'cancelled' },
    },
    done: { type: 'final' },
    cancelled: { type: 'final' },
  },
} as const
