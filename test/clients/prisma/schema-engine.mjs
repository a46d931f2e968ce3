#!/usr/bin/env node
// Offline stand-in for Prisma's native schema-engine: same JSON-RPC over stdio, run on Prisma's own WASM engine + a driver adapter.
import fs from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'
import rl from 'node:readline'
import { fileURLToPath, pathToFileURL } from 'node:url'

globalThis.PRISMA_WASM_PANIC_REGISTRY = {
  message: '',
  get() {
    return this.message
  },
  set_message(m) {
    this.message = m
    console.error(`PANIC ${m}`)
  },
}
const here = path.dirname(fs.realpathSync(fileURLToPath(import.meta.url)))
const req = createRequire(path.join(here, 'x.js'))
const argv = process.argv.slice(2)
if (process.env.SHIM_LOG) fs.appendFileSync(process.env.SHIM_LOG, `${JSON.stringify(argv)}\n`)
if (argv.includes('--version')) {
  console.log('schema-engine-cli wasm-shim')
  process.exit(0)
}
const dir = path.join(here, 'node_modules/@prisma/schema-engine-wasm')
const bg = await import(pathToFileURL(path.join(dir, 'schema_engine_bg.js')))
const { instance } = await WebAssembly.instantiate(fs.readFileSync(path.join(dir, 'schema_engine_bg.wasm')), {
  './schema_engine_bg.js': bg,
})
bg.__wbg_set_wasm(instance.exports)
instance.exports.__wbindgen_start?.()
const { bindMigrationAwareSqlAdapterFactory } = req('@prisma/driver-adapter-utils')
const opt = (n, s) => {
  const i = argv.findIndex((a) => a === n || a === s)
  return i < 0 ? undefined : argv[i + 1]
}
const ds = JSON.parse(opt('--datasource', '-s') ?? '{}')
const url = ds.url ?? process.env.DATABASE_URL
function factory() {
  if (!/^(postgres|mysql|mariadb)/.test(url)) {
    const { PrismaLibSql } = req('@prisma/adapter-libsql')
    return new PrismaLibSql({ url })
  }
  const u = new URL(url)
  if (u.protocol.startsWith('postgres')) {
    const pg = req('pg')
    const { PrismaPg } = req('@prisma/adapter-pg')
    const add = pg.Result.prototype.addFields
    pg.Result.prototype.addFields = function (fs) {
      for (const f of fs) f.dataTypeID = { 18: 25, 19: 25, 1002: 1009, 1003: 1009 }[f.dataTypeID] ?? f.dataTypeID
      return add.call(this, fs)
    }
    return new PrismaPg({
      host: u.hostname,
      port: +(u.port || 5432),
      user: decodeURIComponent(u.username),
      password: decodeURIComponent(u.password),
      database: u.pathname.slice(1),
      idleTimeoutMillis: 50,
    })
  }
  if (u.protocol.startsWith('mysql') || u.protocol.startsWith('mariadb')) {
    const { PrismaMariaDb } = req('@prisma/adapter-mariadb')
    return new PrismaMariaDb({
      host: u.hostname,
      port: +(u.port || 3306),
      user: decodeURIComponent(u.username),
      password: decodeURIComponent(u.password),
      database: u.pathname.slice(1),
    })
  }
  const { PrismaLibSql } = req('@prisma/adapter-libsql')
  return new PrismaLibSql({ url })
}
let datamodels
try {
  datamodels = JSON.parse(opt('--datamodels', '-d') ?? 'null')
} catch {}
if (argv.some((a) => a === '-d' || a === '--datamodels') && !datamodels)
  datamodels = argv.flatMap((a, i) =>
    a === '-d' || a === '--datamodels' ? [[argv[i + 1], fs.readFileSync(argv[i + 1], 'utf8')]] : [],
  )
const make = () =>
  bg.SchemaEngine.new({ datamodels: datamodels ?? undefined }, () => {}, bindMigrationAwareSqlAdapterFactory(factory()))
if (argv.includes('can-connect-to-database')) {
  try {
    await (await make()).ensureConnectionValidity?.({ datasource: { tag: 'ConnectionString', url } })
    process.exit(0)
  } catch (e) {
    console.error(JSON.stringify({ level: 'ERROR', fields: { message: String(e.message), error_code: 'P1001' } }))
    process.exit(1)
  }
}
let eng
const lines = rl.createInterface({ input: process.stdin })
let q = Promise.resolve()
lines.on('line', (l) => {
  q = q.then(async () => {
    const m = JSON.parse(l)
    if (!m.method) return
    if (process.env.SHIM_LOG) fs.appendFileSync(process.env.SHIM_LOG, `${l.slice(0, 600)}\n`)
    try {
      eng ??= await make()
      const r = await eng[m.method](m.params)
      if (m.method === 'diff' && r?.stdout)
        process.stdout.write(
          `${JSON.stringify({ jsonrpc: '2.0', id: 100000 + m.id, method: 'print', params: { content: r.stdout } })}\n`,
        )
      process.stdout.write(
        `${JSON.stringify({ jsonrpc: '2.0', id: m.id, result: r ?? null }, (_k, v) =>
          v instanceof Map ? Object.fromEntries(v) : v,
        )}\n`,
      )
    } catch (e) {
      process.stdout.write(
        `${JSON.stringify({
          jsonrpc: '2.0',
          id: m.id,
          error: {
            code: 4466,
            message: String(e.message ?? e),
            data: { is_panic: false, message: String(e.message ?? e), meta: e.meta ?? null, error_code: e.code },
          },
        })}\n`,
      )
    }
  })
})
lines.on('close', () => q.then(() => process.exit(0)))
