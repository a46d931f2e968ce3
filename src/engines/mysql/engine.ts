import type { Engine } from '../engine.ts'
import { connect } from './session.ts'

/** MySQL and MariaDB, through the client programs of the server's own flavour. */
export const mysql: Engine = {
  name: 'mysql',
  extension: 'sql',
  connect,
  scan: async (io, content) => (await import('./scan.ts')).scan(io, content),
  rehearse: async (io, request) => (await import('./rehearse.ts')).rehearse(io, request),
  restore: async (io, request) => (await import('./restore.ts')).restore(io, request),
  instant: { refused: 'MySQL and MariaDB cannot copy a database inside the server' },
}
