// Another process on the same file: node sqlite-child.ts <path> results|commit
import { sqliteStore } from '../../stores/sqlite/index.ts'
import { commitTo, stepRecord } from '../conformance/records.ts'

const [, , path, what] = process.argv
const store = sqliteStore(path!)
await store.open()
if (what === 'commit')
  console.log(JSON.stringify(await store.commit([commitTo('one', { steps: [stepRecord('FromChild')] })])))
else {
  const states = await store.getResults(['short', 'long'])
  const isAlive = await store.renewOwner('ada', 600_000)
  console.log(JSON.stringify([...states.map((state) => state?.status ?? null), isAlive]))
}
await store.close()
