// `npm run --prefix docs/site build`: the site, in `docs/site/dist`. With `--pages`, its pages alone, in `docs/site/pages`.
import { execFileSync } from 'node:child_process'
import {
  appendFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { llmsFullText, llmsText, sitePages } from './pages.ts'

const here = import.meta.dirname
const root = resolve(here, '../..')
const pages = join(here, 'pages')

rmSync(pages, { recursive: true, force: true })
for (const [path, text] of sitePages()) write(join(pages, path), text)
write(join(pages, 'public/llms.txt'), llmsText())
write(join(pages, 'public/llms-full.txt'), llmsFullText())
showPictures()
write(
  join(pages, '.vitepress/config.ts'),
  `import { siteConfig } from '../../site-config.ts'\nexport default siteConfig\n`,
)

writeApi()
if (!process.argv.includes('--pages')) {
  run('vitepress', 'build', 'pages')
  // Beside each page, what it was made of: for programs that read.
  for (const [path, text] of sitePages()) write(join(here, 'dist', path), text)
}

/** The reference of the API, from the docstrings: a module for each import of the package. */
function writeApi(): void {
  const { exports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    readonly exports: Readonly<Record<string, string | { readonly 'docket-source': string }>>
  }
  const imports = Object.entries(exports).flatMap(([path, target]) =>
    typeof target === 'string' ? [] : [{ name: path.replace('.', 'docket'), source: target['docket-source'] }],
  )
  const config = join(here, 'typedoc.json')
  const tsconfig = join(here, 'tsconfig.api.json')
  write(
    tsconfig,
    JSON.stringify({
      extends: '../../tsconfig.json',
      compilerOptions: { noEmit: true, jsx: 'react-jsx', lib: ['es2024', 'esnext.disposable', 'dom', 'dom.iterable'] },
      include: [],
      files: imports.map(({ source }) => join(root, source)),
    }),
  )
  write(
    config,
    JSON.stringify({
      plugin: ['typedoc-plugin-markdown'],
      tsconfig,
      entryPoints: imports.map(({ source }) => join(root, source)),
      entryFileName: 'index.md',
      out: join(pages, 'api'),
      router: 'member',
      parametersFormat: 'table',
      interfacePropertiesFormat: 'table',
      classPropertiesFormat: 'table',
      typeAliasPropertiesFormat: 'table',
      propertyMembersFormat: 'table',
      readme: 'none',
      name: 'API',
      skipErrorChecking: true,
      excludePrivate: true,
      excludeInternal: true,
      excludeExternals: true,
      disableSources: true,
      hidePageHeader: true,
      hideBreadcrumbs: true,
      useCodeBlocks: true,
      logLevel: 'Error',
      validation: false,
    }),
  )
  run('typedoc', '--options', config)
  rmSync(config)
  rmSync(tsconfig)
  nameModules(imports)
}

/** Modules are named for their files: here, for their imports. */
function nameModules(imports: readonly { readonly name: string; readonly source: string }[]): void {
  const api = join(pages, 'api')
  const items: { readonly text: string; readonly link: string }[] = []
  for (const { name, source } of imports) {
    const file = [
      source.replace(/^\.\//, '').replace(/\.ts$/, ''),
      source.replace(/^\.\//, '').replace(/\/index\.ts$/, ''),
    ]
      .flatMap((path) => [
        `${path}.md`,
        `${path}/index.md`,
        `${path.replace(/^src\//, '')}.md`,
        `${path.replace(/^src\//, '')}/index.md`,
      ])
      .find((path) => existsSync(join(api, path)))
    if (file === undefined)
      throw new Error(
        `typedoc has written no page for ${name} (${source}): ${readdirSync(api, { recursive: true }).join(' ')}`,
      )
    const text = readFileSync(join(api, file), 'utf8')
    writeFileSync(join(api, file), text.replace(/^# .*$/m, `# ${name}`))
    items.push({ text: name, link: `/api/${file.replace(/\.md$/, '').replace(/index$/, '')}` })
  }
  write(join(api, 'items.json'), JSON.stringify(items))
  const list = items.map(({ text, link }) => `- [\`${text}\`](${link})`).join('\n')
  write(
    join(api, 'index.md'),
    `# API\n\nEach import of the package, from its docstrings. How far a name stays as it is: [stability](/docs/stability.md).\n\n${list}\n`,
  )
}

/** Pictures of the page below its guide, where a run of the tests has kept some. */
function showPictures(): void {
  const kept = join(root, 'node_modules/.cache/docket-page')
  const names = existsSync(kept)
    ? readdirSync(kept).filter((name) => name.endsWith('.png') && name !== 'hostile.png')
    : []
  if (names.length === 0) return
  mkdirSync(join(pages, 'docs/pictures'), { recursive: true })
  for (const name of names) cpSync(join(kept, name), join(pages, 'docs/pictures', name))
  const shown = names.map((name) => `![${name.replace('.png', '').replaceAll('-', ' ')}](./pictures/${name})`)
  appendFileSync(join(pages, 'docs/inspector.md'), `\n## Pictures\n\n${shown.join('\n\n')}\n`)
}

function write(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, text)
}

function run(program: string, ...args: readonly string[]): void {
  const { bin } = JSON.parse(readFileSync(join(here, 'node_modules', program, 'package.json'), 'utf8')) as {
    readonly bin: Readonly<Record<string, string>>
  }
  const env = { ...process.env, NODE_OPTIONS: '' }
  execFileSync(process.execPath, [join(here, 'node_modules', program, bin[program]!), ...args], {
    cwd: here,
    stdio: 'inherit',
    env,
  })
}
