import { mkdirSync, writeFileSync } from 'node:fs'
import { basename, join, resolve } from 'node:path'
import { gzipSync } from 'node:zlib'
import { build } from 'esbuild'
import type { Metafile } from 'esbuild'

const sources = resolve(import.meta.dirname, '../..')

/** A program that a bundler has made of one that imports the package. */
export interface Bundle {
  /** Its first file. */
  readonly file: string
  /** Sizes in bytes, gzipped: of what is loaded when it starts, and of all its files. */
  readonly atStart: number
  readonly whole: number
  /** The sources that are in what is loaded when it starts. */
  readonly sources: readonly string[]
}

/**
 * Bundles a program, minified, without XState and zod, into a folder. `split` makes files of their own of what is imported later, which CommonJS (`cjs`)
 * has not; `root` is the folder whose packages it imports, where that is not this project.
 */
export async function bundle(
  program: string,
  folder: string,
  {
    format = 'esm',
    split = format === 'esm',
    root = sources,
  }: { readonly format?: 'esm' | 'cjs'; readonly split?: boolean; readonly root?: string } = {},
): Promise<Bundle> {
  mkdirSync(folder, { recursive: true })
  const { metafile, outputFiles } = await build({
    stdin: { contents: program, resolveDir: root, loader: 'ts' },
    bundle: true,
    minify: true,
    splitting: split,
    format,
    platform: 'node',
    target: 'node24',
    external: ['xstate', 'zod'],
    // Without conditions of its own, a bundler looks for `module`.
    ...(root === sources && { conditions: ['docket-source'] }),
    outdir: folder,
    outExtension: { '.js': format === 'esm' ? '.mjs' : '.cjs' },
    logOverride: { 'empty-import-meta': 'silent' },
    absWorkingDir: root,
    metafile: true,
    write: false,
  })
  const sizes = new Map<string, number>()
  for (const { path, contents } of outputFiles) {
    writeFileSync(path, contents)
    sizes.set(basename(path), gzipSync(contents, { level: 9 }).length)
  }
  const sizeOf = (files: Iterable<string>): number =>
    [...files].reduce((sum, file) => sum + sizes.get(basename(file))!, 0)
  const first = Object.keys(metafile.outputs).find((file) => metafile.outputs[file]!.entryPoint === '<stdin>')!
  const start = loadedBy(first, metafile)
  return {
    file: join(folder, basename(first)),
    atStart: sizeOf(start),
    whole: sizeOf(Object.keys(metafile.outputs)),
    sources: [...start].flatMap((file) =>
      Object.entries(metafile.outputs[file]!.inputs).flatMap(([source, { bytesInOutput }]) =>
        bytesInOutput > 0 ? [source] : [],
      ),
    ),
  }
}

/** A file of a bundle, and those that it imports before it runs. */
function loadedBy(file: string, { outputs }: Metafile): ReadonlySet<string> {
  const files = new Set([file])
  for (const each of files)
    for (const { path, kind, external } of outputs[each]!.imports)
      if (kind === 'import-statement' && external !== true) files.add(path)
  return files
}
