// Writes what the compiler says of the mistakes in the fixtures into the comments above them: `npm run types:messages`.
// The first run may move lines; what it wrote is read before it is committed.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { announced, compilerMessages, fixtures, folder } from './compiler-messages.ts'

const messages = compilerMessages()
for (const [name, source] of fixtures()) writeFileSync(join(folder, name), announced(source, messages.get(name) ?? []))
