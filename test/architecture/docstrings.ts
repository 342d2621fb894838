import { readFileSync } from 'node:fs'
import { dirname, join, posix } from 'node:path'
import { Visitor } from 'oxc-parser'
import type { Directive, Function, Statement } from 'oxc-parser'
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
  /** Whether it is a function or a method that returns a promise. */
  readonly isAsync: boolean
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

/**
 * The members of types that nobody can import, and that users meet all the same: what an exported function takes or returns, what a field holds,
 * and so on from there.
 */
export function reachedNames(): readonly PublicName[] {
  const seen = new Set<string>()
  const open: Place[] = []
  const isExported = new Set<string>()
  for (const path of entryFiles())
    for (const place of exportedPlaces(path)) {
      const found = foundAt(place)
      if (found === undefined) continue
      isExported.add(`${found.file.path} ${found.local}`)
      open.push({ path: found.file.path, local: found.local })
    }
  const names: PublicName[] = []
  for (const { path, local } of open) {
    const found = foundAt({ path, local })
    if (found === undefined || seen.has(`${found.file.path} ${found.local}`)) continue
    const { file, declaration } = found
    const key = `${file.path} ${found.local}`
    seen.add(key)
    if (!isExported.has(key)) names.push(...membersOf(file, declaration, found.local))
    for (const name of typesIn(declaration)) open.push({ path: file.path, local: name })
  }
  return names
}

interface Place {
  readonly path: string
  readonly local: string
}

function exportedPlaces(path: string): readonly Place[] {
  return fileAt(path)
    .module.staticExports.flatMap(({ entries }) => entries)
    .flatMap(({ exportName, importName, localName, moduleRequest }) => {
      if (moduleRequest && !moduleRequest.value.startsWith('.')) return []
      const local = (moduleRequest ? importName.name : localName.name) ?? exportName.name ?? ''
      return [{ path: moduleRequest ? posix.join(dirname(path), moduleRequest.value) : path, local }]
    })
}

/** Where a name is declared: in the file, or where that has it from; undefined for what is not of this project. */
function foundAt({
  path,
  local,
}: Place): { readonly file: SourceFile; readonly local: string; readonly declaration: Declaration } | undefined {
  const file = fileAt(path)
  for (const statement of file.program.body) {
    const declaration = declarationIn(statement)
    if (declaration !== undefined && namesIn(declaration).includes(local)) return { file, local, declaration }
  }
  const { staticImports, staticExports } = file.module
  const next = staticImports
    .flatMap(({ entries, moduleRequest }) => entries.map((entry) => ({ ...entry, moduleRequest })))
    .find((entry) => entry.localName.value === local)
  const again = staticExports.flatMap(({ entries }) => entries).find((entry) => entry.exportName.name === local)
  const from = next ?? again
  if (!from?.moduleRequest?.value.startsWith('.')) return undefined
  return foundAt({ path: posix.join(dirname(path), from.moduleRequest.value), local: from.importName.name ?? local })
}

/** The names of types that a declaration shows to its users: not those in the bodies of functions, nor of private members. */
function typesIn(declaration: Declaration): readonly string[] {
  const names = new Set<string>()
  const bodies: (readonly [start: number, end: number])[] = []
  const hide = (node: { readonly start: number; readonly end: number } | null | undefined): void => {
    if (node) bodies.push([node.start, node.end])
  }
  const parameters = new Set<string>()
  const references: (readonly [name: string, start: number])[] = []
  new Visitor({
    BlockStatement: hide,
    MethodDefinition: (member) => {
      if (member.key.type === 'PrivateIdentifier' || member.kind === 'constructor') hide(member)
    },
    PropertyDefinition: (member) => {
      if (member.key.type === 'PrivateIdentifier') hide(member)
      else hide(member.value)
    },
    TSPropertySignature: (member) => {
      // What the compiler alone reads: `'~types'`.
      if (member.key.type === 'Literal') hide(member)
    },
    // Types that are computed: an editor shows what comes of them.
    TSConditionalType: hide,
    TSMappedType: hide,
    TSIndexedAccessType: hide,
    TSTypeParameter: ({ name }) => void parameters.add(name.name),
    TSTypeReference: ({ typeName, start }) => {
      if (typeName.type === 'Identifier') references.push([typeName.name, start])
    },
    TSInterfaceHeritage: ({ expression, start }) => {
      if (expression.type === 'Identifier') references.push([expression.name, start])
    },
  }).visit({ type: 'Program', body: [declaration], sourceType: 'module', hashbang: null, start: 0, end: 0 } as never)
  for (const [name, start] of references)
    if (!parameters.has(name) && !bodies.some(([from, to]) => start >= from && start < to)) names.add(name)
  return [...names]
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
      const isAsync = 'returnType' in inner && givesPromise(inner)
      return [{ name, file: path, docstring, isOptional: false, isAsync }, ...membersOf(file, inner, name)]
    }
  }
  const again = file.module.staticExports
    .flatMap(({ entries }) => entries)
    .find((entry) => entry.exportName.name === local)
  if (again?.moduleRequest)
    return declared(posix.join(dirname(path), again.moduleRequest.value), again.importName.name ?? local, name)
  return [{ name, file: path, docstring: undefined, isOptional: false, isAsync: false }]
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
    const isAsync = member.type === 'MethodDefinition' && givesPromise(member.value)
    return [{ ...memberOf(file, owner, member.key.name, member.start, member.optional === true), isAsync }]
  })
}

function givesPromise({ returnType }: Pick<Function, 'returnType'>): boolean {
  const type = returnType?.typeAnnotation
  return type?.type === 'TSTypeReference' && type.typeName.type === 'Identifier' && type.typeName.name === 'Promise'
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
  return {
    name: `${owner}.${key}`,
    file: file.path,
    docstring: docstringBefore(file, start),
    isOptional,
    isAsync: false,
  }
}

/** The `/** … *\/` that ends right before a place, with nothing but space between. */
function docstringBefore({ text }: SourceFile, start: number): string | undefined {
  const before = text.slice(0, start).trimEnd()
  if (!before.endsWith('*/')) return undefined
  const begin = before.lastIndexOf('/*')
  return before.startsWith('/**', begin) ? before.slice(begin + 3, -2).trim() : undefined
}
