/** The tables are made by hand, with a migration of one's own beside Docket's, and the store only checks that they are there. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { createDocket, dataType, graph, step, type } from 'docket'
import { sqliteMigrations, sqliteStore } from 'docket/stores/sqlite'

const folder = mkdtempSync(join(tmpdir(), 'docket-'))
const path = join(folder, 'orders.db')
const directory = join(folder, 'migrations')

const Answer = dataType('Answer', type<number>())
const answers = graph({ name: 'answers', steps: [step({ name: 'Think', output: Answer, run: () => 42 })] })

const early = createDocket({ graphs: [answers], store: sqliteStore({ path, migrate: false }) })
await early.start(answers, Answer, {}).catch((error: Error) => console.log(error.message))
await early.close()

// #region migrations
const migrations = sqliteMigrations({ path, directories: [directory] })

const file = await migrations.create(directory, 'orders by tenant') // a template: fill it in, and commit it with your code
writeFileSync(
  file,
  `-- up
create index orders_tenant on docket_executions (json_extract(headers, '$.tenant'));
-- down
drop index orders_tenant;
`,
)
console.log(basename(file))
console.log(`ran ${(await migrations.up()).join(' and ')}`)
for (const { version, name, appliedAt } of await migrations.status())
  console.log(`${version} ${name}: ${appliedAt === undefined ? 'pending' : 'applied'}`)
await migrations.close()

await using docket = createDocket({ graphs: [answers], store: sqliteStore({ path, migrate: false }) })
console.log(await docket.execute(answers, Answer, {}, { id: 'question' }))
// #endregion
rmSync(folder, { recursive: true })
