/** A process in which the timers of Node are faked before the program is loaded whose path it is given: that begins under them. */
import { mock } from 'node:test'

mock.timers.enable({ apis: ['setImmediate'] })
await import(process.argv[2]!)
