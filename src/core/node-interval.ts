/** Node's own, whatever a test has put in the place of the globals, also where this file is loaded after that. */
export { clearInterval as clearNodeInterval, setInterval as setNodeInterval } from 'node:timers'
