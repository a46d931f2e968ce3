import { basename } from 'node:path'
import type { Framework } from './framework.ts'
import { recogniseMysqlClient } from './mysql-clients.ts'
import { harmless } from './node-recognition.ts'
import { recogniseDropdb, recognisePgRestore, recognisePsql } from './postgres-clients.ts'
import { recogniseSqlite } from './sqlite-client.ts'

const readers: Readonly<Record<string, string>> = {
  pg_dump: 'only reads',
  pg_dumpall: 'only reads',
  pg_isready: 'only asks whether a server answers',
  createdb: 'makes a database that is not there',
  vacuumdb: 'changes no data',
  reindexdb: 'changes no data',
  mysqldump: 'only reads',
  'mariadb-dump': 'only reads',
  mysqlshow: 'only reads',
  mysqlcheck: 'changes no data',
}

/** The databases' own clients, by their own arguments and variables. */
export const clientTools: Framework = {
  name: 'client tools',
  async recognise(io, call) {
    const program = basename(call.words[0] ?? '')
    const reader = readers[program]
    if (reader !== undefined) return harmless(`${program} ${reader}`)
    switch (program) {
      case 'psql':
        return recognisePsql(call)
      case 'pg_restore':
        return recognisePgRestore(io, call)
      case 'dropdb':
        return recogniseDropdb(call)
      case 'sqlite3':
        return recogniseSqlite(call)
      case 'mysql':
      case 'mariadb':
      case 'mysqladmin':
      case 'mariadb-admin':
      case 'mysqlimport':
      case 'mariadb-import':
        return recogniseMysqlClient(io, call, program)
      default:
        return undefined
    }
  },
}
