import { hostname } from 'node:os'

/** This machine and this process, for people. */
export function hostProcess(): { readonly host: string; readonly pid: number } {
  return { host: hostname(), pid: process.pid }
}
