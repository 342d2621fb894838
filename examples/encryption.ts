/** Values that the database can't read: compressed, then encrypted, with a key that can be changed. */
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { createDocket, dataType, graph, step } from 'docket'
import { compression, encryption } from 'docket/codecs'
import { sqliteStore } from 'docket/stores/sqlite'
import { z } from 'zod'

const Patient = dataType('Patient', z.object({ name: z.string() }))
const Diagnosis = dataType('Diagnosis', z.string())

const diagnose = step({
  name: 'Diagnose',
  inputs: { patient: Patient },
  output: Diagnosis,
  persist: 'execution',
  run: ({ patient }) => `${patient.name} is in good health`,
})
const clinic = graph({ name: 'clinic', steps: [diagnose] })

const folder = mkdtempSync(join(tmpdir(), 'docket-'))
const file = join(folder, 'clinic.db')
const oldKey = randomBytes(32) // in real life from a secret store: 32 bytes, or the same in base64
const newKey = randomBytes(32)

// #region first
const docket = createDocket({
  graphs: [clinic],
  store: sqliteStore(file),
  codecs: [compression(), encryption({ keys: { '2026': oldKey }, current: '2026' })],
})
await docket.execute(clinic, Diagnosis, { Patient: { name: 'Ada' } }, { id: 'visit:1' })
await docket.close()
// #endregion

const database = new DatabaseSync(file)
const row = database.prepare('select status, inputs, output, output_bytes from docket_executions').get()!
const bytes = Buffer.from(row['output_bytes'] as Uint8Array)
console.log(`status ${row['status']}, inputs ${row['inputs']}, output ${row['output']}`)
console.log(`the name is in the bytes: ${bytes.includes('Ada')}`)
database.close()

// #region rotation
// Another key from now on. The old one stays as long as values that it encrypted are to be read, and the digests keep theirs.
const keys = { '2026': oldKey, '2027': newKey }
const rotated = createDocket({
  graphs: [clinic],
  store: sqliteStore(file),
  codecs: [compression(), encryption({ keys, current: '2027', hashKey: oldKey })],
})
console.log(await rotated.execute(clinic, Diagnosis, { Patient: { name: 'Ada' } }, { id: 'visit:1' }))
console.log(await rotated.execute(clinic, Diagnosis, { Patient: { name: 'Bob' } }, { id: 'visit:2' }))
await rotated.close()
// #endregion

const without = createDocket({ graphs: [clinic], store: sqliteStore(file) })
const visit = await without.get('visit:1')
await visit!.result().catch((error: Error) => console.log(`without the codecs: ${error.name}`))
await without.close()
rmSync(folder, { recursive: true })
