import type { Grant, Properties, Setting } from './catalogue.ts'
import type { Here } from './fitting.ts'
import { restoredComment } from './marker.ts'
import { displayName, quoteIdentifier, quoteLiteral } from './names.ts'

/** One statement that gives a database a property, and what to say where the server refuses it. */
export type PropertyStatement = { readonly sql: string; readonly otherwise: string }

/** What the restored database gets: what the backup says; what the live one has where the backup says nothing. */
export function mergedProperties(backup: Properties, live: Properties | undefined): Properties {
  return { ...live, ...backup, comment: restoredComment(backup['comment'], live?.['comment']) }
}

/** `CREATE DATABASE` with the encoding and the locale of the properties, in the words of the server's version. */
export function createDatabaseSql(name: string, properties: Properties, major: number, here: Here): string {
  const value = (key: string) => properties[key] ?? ''
  const option = (keyword: string, key: string) => (value(key) === '' ? '' : ` ${keyword} ${quoteLiteral(value(key))}`)
  const tablespace = value('tablespace')
  return [
    `CREATE DATABASE ${quoteIdentifier(name)} TEMPLATE template0`,
    option('ENCODING', 'encoding'),
    option('LC_COLLATE', 'collate'),
    option('LC_CTYPE', 'ctype'),
    providerOptions(properties, major),
    here.tablespaces.has(tablespace) && tablespace !== 'pg_default' ? ` TABLESPACE ${quoteIdentifier(tablespace)}` : '',
  ].join('')
}

function providerOptions(properties: Properties, major: number): string {
  const [provider, locale, rules] = [properties['localeProvider'], properties['locale'], properties['icuRules']]
  if (major < 15 || provider === undefined || locale === undefined || locale === '') return ''
  if (provider === 'builtin') return major < 17 ? '' : ` LOCALE_PROVIDER builtin BUILTIN_LOCALE ${quoteLiteral(locale)}`
  if (provider !== 'icu') return ''
  const icuRules = rules === undefined || rules === '' || major < 16 ? '' : ` ICU_RULES ${quoteLiteral(rules)}`
  return ` LOCALE_PROVIDER icu ICU_LOCALE ${quoteLiteral(locale)}${icuRules}`
}

/** The statements that give a fresh database its owner, rights, limits and settings. */
export function propertyStatements(name: string, properties: Properties, here: Here): PropertyStatement[] {
  return [
    ...ownerStatements(name, properties['owner'], here),
    ...grantStatements(name, properties),
    ...limitStatements(name, properties['connectionLimit']),
    ...settingStatements(name, properties['settings'], here),
  ]
}

/** The statements for the database once it is in its place: a template could not be dropped before. */
export function templateStatements(name: string, properties: Properties): PropertyStatement[] {
  if (properties['template'] !== 'true') return []
  const sql = `ALTER DATABASE ${quoteIdentifier(name)} IS_TEMPLATE true`
  return [{ sql, otherwise: 'the database could not be made a template again' }]
}

function ownerStatements(name: string, owner: string | undefined, here: Here): PropertyStatement[] {
  if (owner === undefined || owner === '' || owner === here.user) return []
  const otherwise = `the database's owner was ${displayName([owner])}: it is left to ${displayName([here.user])} here`
  return [{ sql: `ALTER DATABASE ${quoteIdentifier(name)} OWNER TO ${quoteIdentifier(owner)}`, otherwise }]
}

function grantStatements(name: string, properties: Properties): PropertyStatement[] {
  const database = quoteIdentifier(name)
  const grants = parsed<Grant>(properties['grants'])
  if (grants === undefined) {
    return [{ sql: `GRANT CONNECT, TEMPORARY ON DATABASE ${database} TO PUBLIC`, otherwise: 'PUBLIC may not connect' }]
  }
  return grants
    .filter(({ grantee }) => grantee === null || grantee !== properties['owner'])
    .map(({ grantee, privilege, grantable }) => ({
      sql: `GRANT ${privilege} ON DATABASE ${database} TO ${grantee === null ? 'PUBLIC' : quoteIdentifier(grantee)}${
        grantable ? ' WITH GRANT OPTION' : ''
      }`,
      otherwise: `the right ${privilege} on the database could not be given to role ${displayName([grantee ?? 'PUBLIC'])}`,
    }))
}

function limitStatements(name: string, limit: string | undefined): PropertyStatement[] {
  if (limit === undefined || !/^\d+$/.test(limit)) return []
  const sql = `ALTER DATABASE ${quoteIdentifier(name)} CONNECTION LIMIT ${limit}`
  return [{ sql, otherwise: `the connection limit ${limit} could not be set` }]
}

function settingStatements(name: string, settings: string | undefined, here: Here): PropertyStatement[] {
  return (parsed<Setting>(settings) ?? []).map((setting) => ({
    sql: settingSql(name, setting),
    otherwise: `the setting ${setting.name} of the database could not be set${
      setting.role !== null && !here.roles.has(setting.role)
        ? `: role ${displayName([setting.role])} does not exist`
        : ''
    }`,
  }))
}

function settingSql(database: string, { role, name, value }: Setting): string {
  const whose =
    role === null
      ? `DATABASE ${quoteIdentifier(database)}`
      : `ROLE ${quoteIdentifier(role)} IN DATABASE ${quoteIdentifier(database)}`
  return `ALTER ${whose} SET ${quoteIdentifier(name)} TO ${settingValue(name, value)}`
}

// These hold lists of quoted names: each is a value of its own (pg_dump: variable_is_guc_list_quote).
const listSettings = new Set([
  'local_preload_libraries',
  'search_path',
  'session_preload_libraries',
  'shared_preload_libraries',
  'temp_tablespaces',
  'unix_socket_directories',
])

function settingValue(name: string, value: string): string {
  if (!listSettings.has(name.toLowerCase())) return quoteLiteral(value)
  const names = value.match(/"(?:[^"]|"")*"|[^\s,"]+/g) ?? []
  const values = names.map((part) => (part.startsWith('"') ? part.slice(1, -1).replaceAll('""', '"') : part))
  return values.length === 0 ? "''" : values.map(quoteLiteral).join(', ')
}

function parsed<T>(json: string | undefined): T[] | undefined {
  if (json === undefined) return undefined
  try {
    const value: unknown = JSON.parse(json)
    return Array.isArray(value) ? value : undefined
  } catch {
    return undefined
  }
}
