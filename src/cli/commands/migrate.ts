import type { Migrations } from '../../../stores/sqlite/index.ts'
import { readOf } from '../../core/thrown.ts'
import { messageOf } from '../cli-call.ts'
import type { CliCall } from '../cli-call.ts'
import { CliError, exitCodes } from '../cli-error.ts'
import type { ExitCode } from '../cli-error.ts'
import { confirm } from '../confirm.ts'
import { isoOf } from '../json-value.ts'
import { kindOfStore, sqlitePath } from '../open-store.ts'
import type { StorePlace } from '../open-store.ts'
import { jsonLine } from '../plain-text.ts'

const check = '--check to see whether the tables are up to date'

/** `docket migrate`: brings the tables of a store, and those of an engine on PostgreSQL, up to date; `--check` says whether they are. */
export async function migrate(call: CliCall): Promise<ExitCode> {
  const engine = call.text('engine')
  const place = call.storePlace
  if (place === undefined && engine === undefined)
    throw new CliError(
      exitCodes.usage,
      'say what is migrated: --store postgres://…, --engine postgres://… (its tables of BullMQ), or both. A docket of a docket.config.ts migrates its store itself when it opens it, unless it says migrate: false',
    )
  const codes: ExitCode[] = []
  if (place !== undefined) codes.push(await migrateStore(call, place))
  if (engine !== undefined) codes.push(await migrateEngine(call, engine))
  return codes.find((code) => code !== exitCodes.done) ?? exitCodes.done
}

async function migrateStore(call: CliCall, place: StorePlace): Promise<ExitCode> {
  const { printer } = call
  const migrations = await migrationsOf(call, place)
  if (migrations === undefined) {
    printer.result(
      { store: 'redis', pending: [], applied: [] },
      () => 'redis has no tables: its format is checked when it is opened',
    )
    return exitCodes.done
  }
  try {
    const status = await migrations.status()
    const pending = status.filter(({ appliedAt }) => appliedAt === undefined)
    const unknown = await migrations.missing()
    if (unknown.length > 0)
      throw new CliError(
        exitCodes.refused,
        `the database is newer than this version of docket: it has migration ${unknown.map(({ version }) => version).join(', ')}. Call the docket of the version that made it, or a newer one`,
      )
    if (call.has('check')) {
      for (const { version, name, appliedAt } of status)
        if (printer.isJson) printer.line(jsonLine({ version, name, appliedAt: isoOf(appliedAt) }))
        else printer.line(`${String(version).padStart(4)}  ${name}  ${isoOf(appliedAt) ?? 'pending'}`)
      return pending.length === 0 ? exitCodes.done : exitCodes.refused
    }
    if (pending.length > 0)
      await confirm(call, `run ${pending.length === 1 ? '1 migration' : `${pending.length} migrations`}?`, check)
    const applied = await migrations.up()
    printer.result({ applied }, () =>
      applied.length === 0 ? 'the tables are up to date' : `applied: ${applied.join(', ')}`,
    )
    return exitCodes.done
  } finally {
    await migrations.close()
  }
}

async function migrationsOf(call: CliCall, place: StorePlace): Promise<Migrations | undefined> {
  const { url, schema, prefix } = place
  switch (kindOfStore(place)) {
    case 'sqlite': {
      const { sqliteMigrations } = await import('../../../stores/sqlite/index.ts')
      return sqliteMigrations(sqlitePath(call.streams.cwd, url))
    }
    case 'postgres': {
      const { postgresMigrations } = await import('../../../stores/postgres/index.ts')
      return postgresMigrations({ url, ...(schema !== undefined && { schema }) })
    }
    case 'mysql': {
      const { mysqlMigrations } = await import('../../../stores/mysql/index.ts')
      return mysqlMigrations({ url, ...(prefix !== undefined && { prefix }) })
    }
    case 'redis':
      return undefined
  }
}

async function migrateEngine(call: CliCall, url: string): Promise<ExitCode> {
  const { bullmqEngine, migrate: migrateTables } = await import('../../engines/bullmq/index.ts')
  const { printer } = call
  if (!/^postgres(?:ql)?:\/\//.test(url)) {
    printer.result({ engine: 'redis', outcome: 'nothing' }, () => 'BullMQ on Redis has no tables')
    return exitCodes.done
  }
  if (!call.has('check')) {
    await confirm(call, 'make the tables of BullMQ, or bring them up to date?', check)
    await migrateTables(url)
    printer.result({ engine: 'postgres', outcome: 'migrated' }, () => 'the tables of BullMQ are up to date')
    return exitCodes.done
  }
  const engine = bullmqEngine({ connection: url })
  try {
    await engine.open({ report: () => {} } as never)
  } catch (error) {
    // The server answers: it is its tables that are not there.
    if (readOf(readOf(error, 'cause'), 'name') === 'SchemaMigrationRequiredError')
      throw new CliError(exitCodes.refused, messageOf(error), { cause: error })
    throw error
  } finally {
    await engine.close()
  }
  printer.result({ engine: 'postgres', outcome: 'upToDate' }, () => 'the tables of BullMQ are there')
  return exitCodes.done
}
