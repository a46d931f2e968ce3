import type { Marker } from '../engine.ts'
import type { Connection, Row } from './connection.ts'
import { markerIn } from './marker.ts'
import { metadataTables, type RailsTable, railsMarkers } from './rails-metadata.ts'

/** What a connection tells of its server and database in one round trip. */
export type DatabaseFacts = {
  /** `15.18` */
  readonly version: string
  readonly major: number
  /** The server's own name of it. */
  readonly database: string
  readonly sizeBytes: number
  readonly tables: number
  /** PostgreSQL's own name of the database's encoding. */
  readonly encoding: string
  readonly inRecovery: boolean
  /** The process that answers: another than the handshake's behind a pooler. */
  readonly processId: number
  /** `10.0.3.7:5432`; nothing over a socket. */
  readonly address: string | undefined
  /** UTC, ISO 8601. */
  readonly startedAt: string
  readonly markers: readonly Marker[]
}

/** Tables that hold rows of their own: no views, partitioned parents, foreign or temporary tables, nothing of an extension. */
export const ownTables = `
  FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  WHERE c.relkind = 'r' AND c.relpersistence <> 't'
    AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname !~ '^pg_(toast|temp_)'
    AND NOT EXISTS (
      SELECT FROM pg_catalog.pg_depend d
      WHERE d.classid = 'pg_catalog.pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')`

// Time limits of the server must not end a session that waits for a person; ours bounds our own small queries.
// The settings exist since 9.6, 14 and 17: set_config by name works for those that there are.
const settings = `
  SET statement_timeout = '30s'; SET lock_timeout = '10s'; SET search_path = pg_catalog;
  SET default_transaction_read_only = on; SET standard_conforming_strings = on; SET quote_all_identifiers = off;
  SELECT set_config(name, '0', false) FROM pg_settings
    WHERE name IN ('idle_in_transaction_session_timeout', 'idle_session_timeout', 'transaction_timeout');`

const facts = `
  SELECT current_setting('server_version') AS version, current_database()::text AS database, current_setting('server_version_num')::int AS number,
    pg_database_size(current_database())::text AS size, (SELECT count(*)::int ${ownTables}) AS tables,
    getdatabaseencoding()::text AS encoding, pg_is_in_recovery() AS recovery, pg_backend_pid() AS pid,
    host(inet_server_addr()) AS host, inet_server_port() AS port,
    to_char(pg_postmaster_start_time() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') AS started,
    (SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = current_database()) AS comment,
    ${metadataTables} AS rails`

type FactsRow = Row & {
  readonly version: string
  readonly database: string
  readonly number: number
  readonly size: string
  readonly tables: number
  readonly encoding: string
  readonly recovery: boolean
  readonly pid: number
  readonly host: string | null
  readonly port: number | null
  readonly started: string
  readonly comment: string | null
  readonly rails: readonly RailsTable[] | null
}

/** Makes the session harmless and reads the facts. */
export async function readFacts(connection: Connection): Promise<DatabaseFacts> {
  const [row] = await connection.query<FactsRow>(settings + facts)
  if (row === undefined) throw new Error('the server gave no answer')
  return {
    version: row.version.split(' ')[0] ?? row.version,
    major: Math.floor(row.number / 10_000),
    database: row.database,
    sizeBytes: Number(row.size),
    tables: row.tables,
    encoding: row.encoding,
    inRecovery: row.recovery,
    processId: row.pid,
    address: addressOf(row),
    startedAt: row.started,
    markers: await markersOf(connection, row),
  }
}

function addressOf({ host, port }: FactsRow): string | undefined {
  if (host === null || port === null) return undefined
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}

async function markersOf(connection: Connection, { comment, rails }: FactsRow): Promise<readonly Marker[]> {
  const ours = markerIn(comment ?? '')
  return [...(ours === undefined ? [] : [ours]), ...(rails === null ? [] : await railsMarkers(connection, rails))]
}
