import { readFileSync } from 'node:fs'
import { dirname, join, posix } from 'node:path'
import type { Directive, Statement } from 'oxc-parser'
import { parseFile, root } from './source-file.ts'
import type { SourceFile } from './source-file.ts'

/** A public name, or a member of one, with the docstring that an editor shows for it. */
export interface PublicName {
  /** `BatchOptions`, `BatchOptions.concurrency`. */
  readonly name: string
  readonly file: string
  readonly docstring: string | undefined
  /** Whether it is a field that may be left out. */
  readonly isOptional: boolean
}

type Declaration = Statement | Directive

const parsed = new Map<string, SourceFile>()

function fileAt(path: string): SourceFile {
  let file = parsed.get(path)
  if (file === undefined) {
    file = parseFile(path, readFileSync(join(root, path), 'utf8'))
    parsed.set(path, file)
  }
  return file
}

/** The files of sources behind the `exports` of package.json. */
export function entryFiles(): readonly string[] {
  const { exports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    readonly exports: Readonly<Record<string, string | { readonly 'docket-source': string }>>
  }
  return Object.values(exports).flatMap((entry) =>
    typeof entry === 'string' ? [] : [posix.normalize(entry['docket-source'])],
  )
}

/** Every name that a file exports, its own and those of others, each with its members. */
export function publicNamesOf(path: string): readonly PublicName[] {
  const { staticExports } = fileAt(path).module
  return staticExports.flatMap(({ entries }) =>
    entries.flatMap(({ exportName, importName, localName, moduleRequest }) => {
      const name = exportName.name ?? ''
      const source = moduleRequest ? posix.join(dirname(path), moduleRequest.value) : path
      if (moduleRequest && !moduleRequest.value.startsWith('.')) return []
      return declared(source, (moduleRequest ? importName.name : localName.name) ?? name, name)
    }),
  )
}

/** A declaration by its name in a file, and its members; followed where the file has it from another one. */
function declared(path: string, local: string, name: string): readonly PublicName[] {
  const file = fileAt(path)
  for (const statement of file.program.body) {
    const inner = declarationIn(statement)
    if (inner !== undefined && namesIn(inner).includes(local)) {
      const docstring = docstringBefore(file, statement.start)
      return [{ name, file: path, docstring, isOptional: false }, ...membersOf(file, inner, name)]
    }
  }
  const again = file.module.staticExports
    .flatMap(({ entries }) => entries)
    .find((entry) => entry.exportName.name === local)
  if (again?.moduleRequest)
    return declared(posix.join(dirname(path), again.moduleRequest.value), again.importName.name ?? local, name)
  return [{ name, file: path, docstring: undefined, isOptional: false }]
}

function declarationIn(statement: Declaration): Declaration | undefined {
  return statement.type === 'ExportNamedDeclaration' ? (statement.declaration ?? undefined) : statement
}

function namesIn(declaration: Declaration): readonly string[] {
  switch (declaration.type) {
    case 'VariableDeclaration':
      return declaration.declarations.flatMap(({ id }) => (id.type === 'Identifier' ? [id.name] : []))
    case 'FunctionDeclaration':
    case 'ClassDeclaration':
    case 'TSDeclareFunction':
      return declaration.id ? [declaration.id.name] : []
    case 'TSInterfaceDeclaration':
    case 'TSTypeAliasDeclaration':
      return [declaration.id.name]
    default:
      return []
  }
}

/** Fields and methods of interfaces, of classes, and of the objects that a type is made of. */
function membersOf(file: SourceFile, declaration: Declaration, owner: string): readonly PublicName[] {
  if (declaration.type === 'TSInterfaceDeclaration') return signatures(file, declaration.body.body, owner)
  if (declaration.type === 'TSTypeAliasDeclaration') return literalsIn(file, declaration.typeAnnotation, owner)
  if (declaration.type !== 'ClassDeclaration') return []
  return declaration.body.body.flatMap((member) => {
    if (member.type !== 'MethodDefinition' && member.type !== 'PropertyDefinition') return []
    if (member.key.type !== 'Identifier' || member.override === true) return []
    if (member.key.name === 'constructor') return []
    return [memberOf(file, owner, member.key.name, member.start, member.optional === true)]
  })
}

type Signatures = Extract<Declaration, { readonly type: 'TSInterfaceDeclaration' }>['body']['body']
type TypeNode = Extract<Declaration, { readonly type: 'TSTypeAliasDeclaration' }>['typeAnnotation']

function signatures(file: SourceFile, members: Signatures, owner: string): readonly PublicName[] {
  const names = new Set<string>()
  return members.flatMap((member) => {
    if (member.type !== 'TSPropertySignature' && member.type !== 'TSMethodSignature') return []
    // A key in brackets is a symbol: no editor offers it.
    if (member.computed || member.key.type !== 'Identifier' || names.has(member.key.name)) return []
    names.add(member.key.name)
    // `kind: 'step'` says what it is by itself.
    if (member.type === 'TSPropertySignature' && member.typeAnnotation?.typeAnnotation.type === 'TSLiteralType')
      return []
    return [memberOf(file, owner, member.key.name, member.start, member.optional === true)]
  })
}

/** Variants of a union are left out: the docstring of the type speaks for them. */
function literalsIn(file: SourceFile, type: TypeNode, owner: string): readonly PublicName[] {
  if (type.type === 'TSTypeLiteral') return signatures(file, type.members, owner)
  if (type.type === 'TSIntersectionType') return type.types.flatMap((part) => literalsIn(file, part, owner))
  return []
}

function memberOf(file: SourceFile, owner: string, key: string, start: number, isOptional: boolean): PublicName {
  return { name: `${owner}.${key}`, file: file.path, docstring: docstringBefore(file, start), isOptional }
}

/** The `/** … *\/` that ends right before a place, with nothing but space between. */
function docstringBefore({ text }: SourceFile, start: number): string | undefined {
  const before = text.slice(0, start).trimEnd()
  if (!before.endsWith('*/')) return undefined
  const begin = before.lastIndexOf('/*')
  return before.startsWith('/**', begin) ? before.slice(begin + 3, -2).trim() : undefined
}
