import { existsSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { layered } from '../environment/env-chains.ts'
import { readEnvFile, type Values } from '../environment/env-file.ts'
import type { Call } from './framework.ts'
import { settingsOf } from './node-configuration.ts'

export type Loaded = { readonly values: Values; readonly files: readonly string[] } | { readonly problem: string }

/**
 * What Prisma 6 finds after it loaded its env files: the one beside the nearest package.json first, then the one beside the schema
 * (else `prisma/.env`, else `.env`); what is set already stays, so the shell beats both and the root beats `prisma/.env`. The same key
 * with the same value in both ends it with "There is a conflict" (`loadEnv.ts`, `tryLoadEnvs.ts` of `@prisma/internals`; measured, 6.19).
 */
export async function loadedByPrisma(call: Call, schemaPath: string | undefined): Promise<Loaded> {
  const settings = await settingsOf(call)
  const [root, beside] = [rootFile(call.cwd), schemaFile(call.cwd, schemaPath)]
  const first = await valuesOf(call, root)
  const second = beside === root ? undefined : await valuesOf(call, beside)
  const values = layered([second ?? new Map(), first ?? new Map(), settings])
  const conflict = [...(second ?? [])].find(([key, { value }]) => first?.has(key) && values.get(key)?.value === value)
  if (conflict !== undefined) return { problem: `${conflict[0]} stands in two env files, which Prisma refuses` }
  const read = [root, beside === root ? undefined : beside].filter((file) => file !== undefined)
  return { values, files: read.map((file) => relative(call.cwd, file)) }
}

async function valuesOf(call: Call, file: string | undefined): Promise<Values | undefined> {
  if (file === undefined) return undefined
  const read = await readEnvFile(call.cwd, relative(call.cwd, file), call.environment)
  return read.state === 'read' ? read.values : undefined
}

function rootFile(start: string): string | undefined {
  for (let folder = start; ; folder = dirname(folder)) {
    if (existsSync(join(folder, 'package.json'))) {
      const file = join(folder, '.env')
      return existsSync(file) ? file : undefined
    }
    if (folder === dirname(folder)) return undefined
  }
}

function schemaFile(cwd: string, schemaPath: string | undefined): string | undefined {
  const beside = schemaPath === undefined ? [] : [join(dirname(resolve(cwd, schemaPath)), '.env')]
  return [...beside, join(cwd, 'prisma/.env'), join(cwd, '.env')].find((file) => existsSync(file))
}
