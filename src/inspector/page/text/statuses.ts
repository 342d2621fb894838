/** How a status looks: a word, a colour and a shape, each enough by itself. */
export interface StatusLook {
  readonly word: string
  /** Name of the custom property with its colour. */
  readonly colour: string
  /** Path of the shape in a square of 16. */
  readonly shape: string
  /** Whether the shape is filled; else it is stroked. */
  readonly isFilled?: boolean
}

const check = 'M3 8.5l3.2 3.2L13 4.8'
const cross = 'M4 4l8 8M12 4l-8 8'
const looks: Readonly<Record<string, StatusLook>> = {
  pending: { word: 'Pending', colour: '--pending', shape: 'M8 3.2a4.8 4.8 0 1 0 .01 0z' },
  claiming: { word: 'Claiming', colour: '--queued', shape: 'M8 3.2a4.8 4.8 0 0 1 4.8 4.8M8 12.8A4.8 4.8 0 0 1 3.2 8' },
  queued: { word: 'Queued', colour: '--queued', shape: 'M3 4.5h10M3 8h10M3 11.5h6' },
  running: { word: 'Running', colour: '--running', shape: 'M5 3.2v9.6L13 8z', isFilled: true },
  waiting: { word: 'Waiting', colour: '--waiting', shape: 'M8 2.8a5.2 5.2 0 1 0 .01 0zM8 5.2V8l2.2 1.6' },
  retrying: { word: 'Retrying', colour: '--retrying', shape: 'M12.6 6A5 5 0 1 0 13 9M13 2.8V6.2H9.6' },
  compensating: { word: 'Undoing', colour: '--retrying', shape: 'M6.5 3.5L3 7l3.5 3.5M3 7h6.5a3 3 0 0 1 0 6H8' },
  completed: { word: 'Completed', colour: '--completed', shape: check },
  cached: { word: 'Cached', colour: '--cached', shape: 'M8 2.6L13.4 8 8 13.4 2.6 8z', isFilled: true },
  failed: { word: 'Failed', colour: '--failed', shape: cross },
  cancelled: { word: 'Cancelled', colour: '--cancelled', shape: 'M8 3a5 5 0 1 0 .01 0zM4.6 4.6l6.8 6.8' },
  skipped: { word: 'Skipped', colour: '--skipped', shape: 'M3 4.5L7 8l-4 3.5M9 4.5L13 8l-4 3.5' },
}

const unknownLook = { colour: '--pending', shape: 'M5.5 6a2.5 2.5 0 1 1 3.4 2.3c-.6.3-.9.6-.9 1.4M8 12v.6' }

/** The look of a status; of one that this page does not know, its own word. */
export function lookOf(status: string): StatusLook {
  return Object.hasOwn(looks, status) ? looks[status]! : { ...unknownLook, word: status.slice(0, 30) }
}

/** The statuses of executions, in the order that people look for. */
export const executionStatuses = ['running', 'waiting', 'pending', 'compensating', 'failed', 'completed', 'cancelled']

/** The statuses of steps, in the order in which a step goes through them. */
export const stepStatuses = Object.keys(looks).filter((status) => status !== 'compensating')

/** Whether nothing more happens by itself. */
export function hasEnded(status: string): boolean {
  return ['completed', 'cached', 'failed', 'cancelled', 'skipped'].includes(status)
}
