import { writeFile } from 'node:fs/promises'
import { readmePath, refreshedReadme } from './refreshed-readme.ts'

const { refreshed } = await refreshedReadme()
await writeFile(readmePath, refreshed)
