import { readdir, readFile, stat } from 'node:fs/promises'
import { dirname, join, relative, resolve } from 'node:path'
import type { Call } from './framework.ts'

/** A value of a datasource: a literal, or the name of the variable that holds it. */
export type SchemaValue = { readonly literal: string } | { readonly variable: string }

/** The `datasource` block of a Prisma schema. */
export type Datasource = {
  readonly provider: string
  readonly url?: SchemaValue
  readonly directUrl?: SchemaValue
}

/** The schema of a call: the file or folder that was named, the file that holds the datasource, and the block. */
export type Schema = { readonly path: string; readonly file: string; readonly datasource: Datasource }

/** The datasource block of a schema's text (https://www.prisma.io/docs/orm/reference/prisma-schema-reference#datasource). */
export function datasourceIn(text: string): Datasource | undefined {
  const plain = text.replace(
    /("(?:\\.|[^"\\])*")|\/\/.*$|\/\*[\s\S]*?\*\//gm,
    (_, string: string | undefined) => string ?? '',
  )
  const body = /\bdatasource\s+\w+\s*\{((?:"(?:\\.|[^"\\])*"|[^}"])*)\}/.exec(plain)?.[1]
  if (body === undefined) return undefined
  const provider = schemaValue(body, 'provider')
  const url = schemaValue(body, 'url')
  const directUrl = schemaValue(body, 'directUrl')
  return {
    provider: provider !== undefined && 'literal' in provider ? provider.literal : '',
    ...(url === undefined ? {} : { url }),
    ...(directUrl === undefined ? {} : { directUrl }),
  }
}

function schemaValue(body: string, key: string): SchemaValue | undefined {
  const match = new RegExp(`(?:^|\\n)\\s*${key}\\s*=\\s*(env\\s*\\(\\s*)?("(?:\\\\.|[^"\\\\])*")`).exec(body)
  if (match?.[2] === undefined) return undefined
  const text = JSON.parse(match[2]) as string
  return match[1] === undefined ? { literal: text } : { variable: text }
}

/**
 * Where Prisma 6 looks: `--schema`, the configuration's `schema`, `prisma.schema` of package.json, `schema.prisma`,
 * `prisma/schema.prisma` (`getSchemaWithPath` in `@prisma/internals`). A folder is all its `.prisma` files.
 */
export async function findSchema(call: Call, named: string | undefined): Promise<Schema | undefined> {
  const places =
    named === undefined ? [await namedInPackage(call.cwd), 'schema.prisma', 'prisma/schema.prisma'] : [named]
  for (const place of places) {
    const schema = place === undefined ? undefined : await schemaAt(resolve(call.cwd, place))
    if (schema !== undefined) return schema
  }
  return undefined
}

async function namedInPackage(start: string): Promise<string | undefined> {
  for (let folder = start; ; folder = dirname(folder)) {
    const text = await readFile(join(folder, 'package.json'), 'utf8').catch(() => undefined)
    if (text !== undefined) {
      const schema = schemaOf(text)
      return schema === undefined ? undefined : resolve(folder, schema)
    }
    if (folder === dirname(folder)) return undefined
  }
}

function schemaOf(text: string): string | undefined {
  try {
    const { prisma } = JSON.parse(text) as { prisma?: { schema?: unknown } }
    return typeof prisma?.schema === 'string' ? prisma.schema : undefined
  } catch {
    return undefined
  }
}

async function schemaAt(path: string): Promise<Schema | undefined> {
  for (const file of await filesAt(path)) {
    const datasource = datasourceIn(await readFile(file, 'utf8'))
    if (datasource !== undefined) return { path, file, datasource }
  }
  return undefined
}

async function filesAt(path: string): Promise<readonly string[]> {
  const found = await stat(path).catch(() => undefined)
  if (found === undefined) return []
  if (!found.isDirectory()) return [path]
  const inside = await readdir(path, { recursive: true })
  return inside.filter((name) => name.endsWith('.prisma')).map((name) => join(path, name))
}

/** The schema's path as a person would write it. */
export function shownSchema(call: Call, schema: Schema): string {
  return relative(call.cwd, schema.file)
}
