import { setTimeout as sleep } from 'node:timers/promises'
import { DatabaseSync } from 'node:sqlite'
import { expect, onTestFinished, test } from 'vitest'
import { createDocket, dataType, graph, step, type } from '../../src/index.ts'
import type { Store } from '../../src/index.ts'
import { mysqlStore } from '../../stores/mysql/index.ts'
import { postgresStore } from '../../stores/postgres/index.ts'
import { sqliteStore } from '../../stores/sqlite/index.ts'
import { storePlaces } from './store-places.ts'

const { postgresUrl, mysqlUrl, pool, admin, newPath, newSchema, newPrefix } = await storePlaces()

/** A store, and what makes it refuse, from then on, each value of a step with a text in it. */
interface Place {
  readonly store: Store
  refuse(text: string): Promise<unknown>
}

const places: Readonly<Record<string, () => Place>> = {
  sqlite() {
    const path = newPath()
    return {
      store: sqliteStore(path),
      async refuse(text) {
        const database = new DatabaseSync(path, { timeout: 2_000 })
        for (const table of ['steps', 'results'])
          for (const when of ['insert', 'update'])
            database.exec(`create trigger refuse_${table}_${when} before ${when} on docket_${table}
              when new.output like '%${text}%' begin select raise(abort, 'refused'); end`)
        database.close()
      },
    }
  },
  postgres() {
    const schema = newSchema()
    return {
      store: postgresStore({ url: postgresUrl, schema, max: 3 }),
      async refuse(text) {
        await pool.query(`create function "${schema}".refuse() returns trigger language plpgsql as $$ begin
          if new.output::text like '%${text}%' then raise exception using errcode = '23514'; end if; return new; end $$`)
        for (const table of ['steps', 'results'])
          await pool.query(`create trigger refuse before insert or update on "${schema}".docket_${table}
            for each row execute function "${schema}".refuse()`)
      },
    }
  },
  mysql() {
    const prefix = newPrefix()
    return {
      store: mysqlStore({ url: mysqlUrl, prefix, max: 3 }),
      async refuse(text) {
        for (const table of ['steps', 'results'])
          for (const when of ['insert', 'update'])
            await admin.query(`create trigger ${prefix}${table}_${when} before ${when} on ${prefix}${table} for each row begin
              if new.output like '%${text}%' then signal sqlstate '23000' set mysql_errno = 4025; end if; end`)
      },
    }
  },
}

const Seed = dataType('Seed', type<string>())
const Made = dataType('Made', type<string>())
const Whole = dataType('Whole', type<string>())

test.each(Object.keys(places).flatMap((name) => [[name, 'execution'] as const, [name, 'global'] as const]))(
  'on %s, a value that is refused in %s scope fails its own execution or item, and none of those beside it; nothing runs twice',
  async (name, persist) => {
    const { store, refuse } = places[name]!()
    const runs: string[] = []
    const make = step({
      name: 'Make',
      inputs: { seed: Seed },
      output: Made,
      persist,
      async run({ seed }) {
        runs.push(`make ${seed}`)
        await sleep(50)
        return `made ${seed}`
      },
    })
    const finish = step({
      name: 'Finish',
      inputs: { made: Made, seed: Seed },
      output: Whole,
      persist: 'execution',
      run({ seed }) {
        runs.push(`finish ${seed}`)
        return seed
      },
    })
    const shop = graph({ name: 'shop', steps: [make, finish] })
    const docket = createDocket({ graphs: [shop], store })
    onTestFinished(() => docket.close({ deadline: 0 }))
    await docket.execute(shop, Whole, { Seed: 'first' }, { id: 'first' })
    await refuse('made sick')
    const seeds = Array.from({ length: 20 }, (_, index) => (index === 7 ? 'sick one' : `fine ${index}`))
    const batch = await docket.startBatch(shop, Whole, [{ Seed: 'a' }, { Seed: 'sick item' }, { Seed: 'b' }], {
      id: 'batch',
      onError: 'collect',
    })
    const outcomes = await Promise.allSettled(
      seeds.map((seed) => docket.execute(shop, Whole, { Seed: seed }, { id: seed })),
    )
    outcomes.forEach((outcome, index) => {
      if (index !== 7) expect(outcome).toEqual({ status: 'fulfilled', value: seeds[index] })
      else
        expect(outcome).toMatchObject({
          reason: { code: 'STEP_FAILED', step: 'Make', cause: { code: 'STORE_FAILED', isTransient: false } },
        })
    })
    expect(await batch.result()).toMatchObject([
      { value: 'a' },
      { error: { cause: { code: 'STORE_FAILED' } } },
      { value: 'b' },
    ])
    expect(new Set(runs).size).toBe(runs.length)
  },
)
