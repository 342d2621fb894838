// `node src/inspector/build-page.ts dist/src/inspector/page-html.js` writes the module that holds the page in the package; in the repository it is built in memory.
import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { build } from 'esbuild'

const folder = join(import.meta.dirname, 'page')

/** Builds the page: one HTML file, with its script and its style inside. @throws when its sources don't compile */
export async function buildPage(): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [join(folder, 'main.tsx'), join(folder, 'style/main.css')],
    outdir: 'page',
    entryNames: '[ext]/[name]',
    bundle: true,
    write: false,
    minify: true,
    charset: 'utf8',
    format: 'iife',
    target: ['chrome120', 'firefox121', 'safari17'],
    define: { 'process.env.NODE_ENV': '"production"' },
    tsconfig: join(folder, 'tsconfig.json'),
    logLevel: 'silent',
  })
  const textOf = (end: string): string => outputFiles.find(({ path }) => path.endsWith(end))?.text.trim() ?? ''
  // Within a script, nothing but these may end it early.
  const script = textOf('.js').replaceAll(/<(?=\/script|!--)/gi, String.raw`\x3C`)
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<title>Docket</title>
<link rel="icon" href="data:image/svg+xml,${encodeURIComponent(icon)}">
<style>${textOf('.css')}</style>
</head>
<body>
<div id="page"><noscript>This page needs JavaScript.</noscript></div>
<script>${script}</script>
</body>
</html>
`
}

const icon =
  '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"><rect width="16" height="16" rx="4" fill="#3257c8"/>' +
  '<path d="M4 5h3M4 11h3M7 5l3 3-3 3M10 8h2" fill="none" stroke="#fff" stroke-width="1.5" stroke-linecap="round"/></svg>'

if (import.meta.main) {
  const file = process.argv[2]
  if (file === undefined) throw new Error('name the file to write: node src/inspector/build-page.ts <file>')
  await mkdir(dirname(file), { recursive: true })
  await writeFile(file, `const html=${JSON.stringify(await buildPage())}\nexport const pageHtml=async()=>html\n`)
}
