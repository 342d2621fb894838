/** What a development server does with a module that makes a docket: it loads it, and loads it again when its code has changed. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type * as docketModule from './docket.ts'

const folder = mkdtempSync(join(tmpdir(), 'docket-'))
process.env['EXPENSES_FILE'] = join(folder, 'expenses.db')

async function load(count: number): Promise<typeof docketModule> {
  return (await import(`./docket.ts?${count}`)) as typeof docketModule
}

const before = await load(1)
await before.docket.start(before.expenses, before.Decision, {}, { id: 'lunch' })

const { docket, Approval } = await load(2)
const lunch = await docket.get('lunch')
console.log(await lunch?.signal(Approval, { by: 'Ada' }))
console.log(await lunch?.result())
await docket.close()
rmSync(folder, { recursive: true })
