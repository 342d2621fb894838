/** `npm run docs:snippets`: copies into the documents what their snippets refer to. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { documents, needsSource, readDocument, root, snippetsOf, sourceOf } from './snippets.ts'

for (const path of documents()) {
  const text = readDocument(path)
  let written = text
  for (const snippet of snippetsOf(text).toReversed()) {
    if (!needsSource(snippet) || snippet.reference === undefined) continue
    written = written.slice(0, snippet.start) + sourceOf(snippet.reference) + written.slice(snippet.end)
  }
  if (written === text) continue
  writeFileSync(join(root, path), written)
  console.log(`${path} is up to date now`)
}
