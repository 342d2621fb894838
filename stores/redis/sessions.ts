import type { MissingSession, SessionLook, StoreSessions } from '../../src/core/contracts/store.ts'
import { StoreError } from '../../src/core/errors.ts'
import { isError } from '../../src/core/thrown.ts'
import { storeName } from './errors.ts'
import { ownerOf, ownerText } from './layout.ts'
import type { Layout } from './layout.ts'
import { now, script } from './link.ts'
import type { Link } from './link.ts'

/*
 * A server numbers its connections, and gives no number twice in one run; a run has an id that no other has. Each owner's last renewal
 * keeps both, and a number of its own, in a hash beside the leases. A connection that a look does not find is gone for good, and with it all
 * that its owner had seen through it before. Scripts may not list connections, so a look is a transaction of a script and a list.
 */

/** The id of the server's run; '' where it is not to be had. */
const run = `
local info = redis.pcall('INFO', 'server')
local run = type(info) == 'string' and string.match(info, 'run_id:(%w+)') or ''
`

const runScript = script(`${run}
return run
`)

/** ARGV: owner, '1' for the others too. Gives the run, the owner's session, and owners and sessions of the others, which live. */
const lookScript = script(`${now}${run}
local function of(owner, session)
  local ends = session and redis.call('ZSCORE', KEYS[1], owner)
  if ends and tonumber(ends) > now then return session end
end
local seen = {run, of(ARGV[1], redis.call('HGET', KEYS[2], ARGV[1])) or ''}
if ARGV[2] ~= '1' then return seen end
local all = redis.call('HGETALL', KEYS[2])
for i = 1, #all, 2 do
  if not of(all[i], all[i + 1]) then
    redis.call('HDEL', KEYS[2], all[i])
  elseif all[i] ~= ARGV[1] then
    seen[#seen + 1] = all[i]
    seen[#seen + 1] = all[i + 1]
  end
end
return seen
`)

/** ARGV: owner, session, its run, the channel of hints. */
const endScript = script(`${now}${run}
local ends = redis.call('ZSCORE', KEYS[1], ARGV[1])
if run ~= ARGV[3] or not ends or tonumber(ends) <= now or redis.call('HGET', KEYS[2], ARGV[1]) ~= ARGV[2] then return 0 end
redis.call('ZADD', KEYS[1], now, ARGV[1])
redis.call('HDEL', KEYS[2], ARGV[1])
redis.pcall('PUBLISH', ARGV[4], 'w')
return 1
`)

/** A connection as its server knows it. */
interface ServerConnection {
  readonly run: string
  readonly number: string
}

/** What the server does not do, or not for this user: an older one, an ACL, a proxy. */
const refusal = /^(?:ERR|NOPERM|EXECABORT .*\bNOPERM)\b/

/**
 * What the server knows the connection by; undefined where it does not say of which run it is, or lists other connections in its place, as a proxy may.
 * @throws StoreError also where the user may not ask
 */
export async function connectionOf(link: Link, layout: Layout): Promise<ServerConnection | undefined> {
  const [number, run] = await link.together([
    { run: 'client', keys: [], args: ['ID'] },
    { run: runScript, keys: [layout.leases], args: [] },
  ])
  const connection = { number: String(number), run: String(run) }
  // Older servers list all connections or none; a proxy may list its own.
  const [list] = await link.together([{ run: 'client', keys: [], args: ['LIST', 'ID', connection.number] }])
  return connection.run !== '' && numbersIn(list).has(connection.number) ? connection : undefined
}

/** Connections by which others see that a process is there: the one of its store, for each owner. */
export class RedisSessions implements StoreSessions {
  /** Of each owner that was renewed here: whether its connection may be on record. */
  readonly #owners = new Map<string, boolean>()
  #parts: { readonly link: Link; readonly layout: Layout } | undefined
  /** The connection that there is; undefined where others can't be shown that it is there. */
  #identified: Promise<ServerConnection | undefined> | undefined
  #connection: ServerConnection | undefined
  #renewals = 0
  /** Numbers of others' connections, when they were seen last. */
  #known: readonly string[] = []

  /** Begins, over a connection that is there. */
  async open(link: Link, layout: Layout): Promise<void> {
    this.#parts = { link, layout }
    link.client.on('close', () => this.#disconnected())
    link.client.on('ready', () => void this.#identify().catch(ignore))
    await this.#identify().catch(ignore)
  }

  isClaimed(owner: string): boolean {
    return this.#owners.get(owner) === true
  }

  /** What a renewal that is sent now is to keep of the connection; '' for nothing. */
  renewing(owner: string): string {
    const connection = this.#connection
    if (connection === undefined) return ''
    this.#owners.set(owner, true)
    return `${connection.run} ${connection.number} ${++this.#renewals}`
  }

  /** The renewal with this session was answered. */
  renewed(owner: string, session: string): void {
    this.#owners.set(owner, session !== '')
  }

  /** The owner has ended, or was found dead. */
  forget(owner: string): void {
    this.#owners.delete(owner)
  }

  async look(owner: string, ofOthers: boolean): Promise<SessionLook> {
    const connection = await this.#identify()
    try {
      if (connection !== undefined) return await this.#lookThrough(connection, owner, ofOthers)
    } catch (thrown) {
      if (!isRefusal(thrown)) throw thrown
      // What this user may do was changed: until there is another connection, the lease is what others have.
      if (this.#connection === connection) {
        this.#identified = Promise.resolve(undefined)
        this.#connection = undefined
      }
    }
    return { state: this.isClaimed(owner) ? 'lost' : 'unclaimed', connection: '' }
  }

  async end({ owner, session }: MissingSession): Promise<boolean> {
    const { link, layout } = this.#opened()
    const args = [ownerText(owner), session, runOf(session), layout.hints]
    return (await link.one({ run: endScript, keys: [layout.leases, layout.sessions], args })) === 1
  }

  async #lookThrough(connection: ServerConnection, owner: string, ofOthers: boolean): Promise<SessionLook> {
    const { link, layout } = this.#opened()
    const numbers = ofOthers ? [connection.number, ...this.#known] : [connection.number]
    const [seen, list] = await link.together([
      { run: lookScript, keys: [layout.leases, layout.sessions], args: [ownerText(owner), ofOthers ? '1' : ''] },
      { run: 'client', keys: [], args: ['LIST', 'ID', ...numbers] },
    ])
    const [run, own, ...rest] = seen as readonly string[]
    const listed = numbersIn(list)
    const isHeld = own!.startsWith(`${run} ${connection.number} `) && listed.has(connection.number)
    const state = isHeld ? 'held' : this.#owners.has(owner) ? 'lost' : 'unclaimed'
    const name = `${run} ${connection.number}`
    if (!ofOthers) return { state, connection: name }
    const others = rest.flatMap((session, index) =>
      index % 2 === 1 && runOf(session) === run ? [{ owner: ownerOf(rest[index - 1]!) ?? '', session }] : [],
    )
    const missing = others.filter(({ session }) => {
      const number = numberOf(session)
      return numbers.includes(number) && !listed.has(number)
    })
    this.#known = others.map(({ session }) => numberOf(session))
    return { state, connection: name, others: { missing, watched: others.length + 1 } }
  }

  /** What the server knows the connection by; undefined where it does not say, or not to this user. @throws StoreError */
  #identify(): Promise<ServerConnection | undefined> {
    if (this.#identified !== undefined) return this.#identified
    const identified = this.#ask().then(
      (connection) => {
        if (this.#identified === identified) this.#connection = connection
        return connection
      },
      (thrown: unknown) => {
        if (this.#identified === identified) this.#identified = undefined
        throw thrown
      },
    )
    this.#identified = identified
    return identified
  }

  async #ask(): Promise<ServerConnection | undefined> {
    const { link, layout } = this.#opened()
    try {
      return await connectionOf(link, layout)
    } catch (thrown) {
      if (isRefusal(thrown)) return undefined
      throw thrown
    }
  }

  #opened(): { readonly link: Link; readonly layout: Layout } {
    if (this.#parts === undefined) throw new StoreError(storeName, 'it is not open yet; call open() first', false)
    return this.#parts
  }

  #disconnected(): void {
    this.#identified = undefined
    this.#connection = undefined
  }
}

function runOf(session: string): string {
  return session.slice(0, session.indexOf(' '))
}

function numberOf(session: string): string {
  return session.split(' ')[1]!
}

/** The numbers in a list of connections. Names in it have no spaces. */
function numbersIn(list: unknown): ReadonlySet<string> {
  return new Set(Array.from(String(list).matchAll(/\bid=(\d+) addr=/g), ([, number]) => number!))
}

/** Whether the server does not do it, or not for this user. */
export function isRefusal(thrown: unknown): boolean {
  return thrown instanceof StoreError && isError(thrown.cause) && refusal.test(thrown.cause.message)
}

function ignore(): void {}
