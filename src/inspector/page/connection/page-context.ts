import { createContext } from 'preact'
import { useContext } from 'preact/hooks'
import type { About } from '../../protocol.ts'
import type { Api } from './api.ts'
import type { LiveConnection } from './live-connection.ts'

/** What every part of the page has to do with the server. */
export interface PageContext {
  readonly api: Api
  readonly live: LiveConnection
  readonly about: About
}

/** Given by the page's frame to everything in it. */
export const PageContextOf = createContext<PageContext | undefined>(undefined)

/** The server, and what it said about itself. @throws outside of the page's frame */
export function usePage(): PageContext {
  const page = useContext(PageContextOf)
  if (page === undefined) throw new Error('this part of the page stands outside of its frame')
  return page
}
