import type { Docket } from '../durable/docket.ts'
import { Acts } from './acts.ts'
import { actsOf, countsOf, detailsOf, whyOf } from './docket-calls.ts'
import { rowOf } from './execution-row.ts'
import { executionViewOf } from './execution-view.ts'
import { fleetOf } from './fleet-view.ts'
import { mailboxOf, messageValueOf } from './mailbox-view.ts'
import { machineViewOf } from './machine-view.ts'
import { pageAddress } from './page-address.ts'
import type { About, ExecutionRows, ForeignActors } from './protocol.ts'
import { readAct } from './read-act.ts'
import { boundedText } from './bounded-text.ts'
import { readJson } from './read-json.ts'
import { readFilter, readListQuery, readParameters } from './read-query.ts'
import { refusalOf, RequestProblem } from './request-problem.ts'
import { startFormOf } from './start-form.ts'
import type { Token } from './token.ts'
import { findValue, valueViewOf } from './value-view.ts'
import { Hono } from './web-packages.ts'
import type { Context } from './web-packages.ts'

/** What answers are made of. */
export interface AppParts {
  readonly docket: Docket
  readonly token: Token
  readonly about: () => About
  readonly user: string
  readonly allowsActions: boolean
  /** The number of the newest change that is known. */
  readonly seq: () => number
  readonly foreign: (id: string | undefined) => ForeignActors
  readonly page: () => Promise<{ readonly html: string; readonly policy: string }>
  /** Something was done here, so that pages are shown it at once. */
  readonly onActed: () => void
}

const maxBodyBytes = 1024 * 1024

/** Answers requests that the gate has let through. */
export function createApp(parts: AppParts): Hono {
  const { docket, token, page } = parts
  const app = new Hono()
  app.onError((thrown) => answerTo(refusalOf(thrown)))
  app.notFound((context) =>
    isOpenedByPerson(context)
      ? context.redirect(pageAddress(new URL(context.req.url).pathname))
      : answerTo(refusalOf(new RequestProblem(404, 'there is nothing here'))),
  )
  app.get('/', async (context) => {
    const { html, policy } = await page()
    return context.html(html, 200, { 'content-security-policy': policy })
  })
  app.all('/', notAllowed)
  app.use('/api/*', async (context, next) => {
    // Where others would find it: in logs of proxies, in histories, in the Referer.
    if (context.req.url.includes(token.text))
      throw new RequestProblem(400, 'the token belongs into a header, not into a URL')
    if (!token.matches(context.req.header('x-docket-token')))
      throw new RequestProblem(401, 'open the page by its whole URL: what follows the # is missing, or an old one')
    await next()
  })
  const get = (path: string, answer: (context: Context) => unknown): void => {
    app.get(path, async (context) => context.json((await answer(context)) as object))
    app.all(path, notAllowed)
  }
  get('/api/about', ({ req }) => (readParameters(req.url, []), parts.about()))
  get('/api/executions', async ({ req }): Promise<ExecutionRows> => {
    const { executions, next } = await docket.list(readListQuery(req.url))
    return { executions: executions.map(rowOf), ...(next !== undefined && { next }) }
  })
  get('/api/counts', ({ req }) => countsOf(docket, readFilter(req.url)))
  get('/api/execution', async ({ req }) => {
    const { id } = needed(readParameters(req.url, ['id']), ['id'])
    const seq = parts.seq()
    const [details, plan, acts] = await Promise.all([detailsOf(docket, id), docket.plan(id), actsOf(docket, id)])
    return executionViewOf(details, plan, acts, seq)
  })
  get('/api/value', async ({ req }) => {
    const names = ['id', 'of', 'type', 'step', 'item', 'seq', 'form'] as const
    const query = needed(readParameters(req.url, names), ['id', 'of'])
    if (query.of === 'message') return messageValueOf(docket, query.id, query.seq)
    const [details, plan] = await Promise.all([detailsOf(docket, query.id), docket.plan(query.id)])
    return valueViewOf(findValue(details, plan, query), query.form)
  })
  get('/api/mailbox', ({ req }) => {
    const { id, after } = needed(readParameters(req.url, ['id', 'after']), ['id'])
    return mailboxOf(docket, id, after)
  })
  get('/api/why', ({ req }) => {
    const { id, step, item } = needed(readParameters(req.url, ['id', 'step', 'item']), ['id'])
    return whyOf(docket, id, step, item)
  })
  get('/api/machine', ({ req }) => {
    const { id, step } = needed(readParameters(req.url, ['id', 'step']), ['id', 'step'])
    return machineViewOf(docket, id, step)
  })
  get('/api/form', async ({ req }) => {
    const { graph, target } = needed(readParameters(req.url, ['graph', 'target']), ['graph', 'target'])
    return startFormOf(await docket.plan({ graph, target }))
  })
  const fleet = fleetOf(docket)
  get('/api/fleet', ({ req }) => (readParameters(req.url, []), fleet()))
  get('/api/foreign', ({ req }) => parts.foreign(readParameters(req.url, ['id']).id))
  const acts = new Acts(docket, parts.user)
  app.post('/api/acts', async (context) => {
    const { req } = context
    if (!/^application\/json(?:\s*;\s*charset=utf-8)?$/i.test(req.header('content-type') ?? ''))
      throw new RequestProblem(415, 'an act is sent as application/json')
    readParameters(req.url, [])
    const act = readAct(readJson(await boundedText(req.raw, maxBodyBytes)))
    if (!parts.allowsActions)
      throw new RequestProblem(403, 'this inspector only shows: allowActions lets it do something')
    const outcomes = await acts.do(act)
    parts.onActed()
    return context.json(outcomes)
  })
  app.all('/api/acts', notAllowed)
  return app
}

/** Whether a browser shows a person what is answered. */
function isOpenedByPerson({ req }: Context): boolean {
  return req.method === 'GET' && req.header('accept')?.includes('text/html') === true && !req.path.startsWith('/api/')
}

function notAllowed(): never {
  throw new RequestProblem(405, 'this can’t be done here')
}

function answerTo({ status, body }: ReturnType<typeof refusalOf>): Response {
  return Response.json(body, { status })
}

function needed<Query extends object, Name extends keyof Query>(
  query: Query,
  names: readonly Name[],
): Query & { readonly [name in Name]-?: string } {
  for (const name of names) if (query[name] === undefined) throw new RequestProblem(400, `${String(name)} is missing`)
  return query as Query & { readonly [name in Name]-?: string }
}
