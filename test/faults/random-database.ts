import fc from 'fast-check'
import type { EngineLabel } from '../e2e/shops.ts'

/** A database as a list of statements that make it. */
export type RandomDatabase = { readonly statements: readonly string[]; readonly tables: number; readonly rows: number }

type ColumnType = { readonly sql: string; readonly value: fc.Arbitrary<string> }

type Dialect = {
  readonly quote: (name: string) => string
  readonly nameUnits: readonly string[]
  readonly types: readonly ColumnType[]
}

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')
const bytes = fc.uint8Array({ maxLength: 300 })
const integer = fc.integer().map(String)
const big = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map(String)
const real = fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => value.toExponential())
// Without NUL, which PostgreSQL has no place for, and without halves of surrogate pairs.
const text = fc
  .string({
    unit: fc.oneof(
      fc.constantFrom(...`\\'"\`\n\r\t;-.$%\x01\x7f`, '\\.', '\\N', '--', '/*', '$$', '\u2028'),
      fc.string({ unit: 'binary', minLength: 1, maxLength: 3 }),
    ),
    maxLength: 60,
  })
  .map((value) => value.replaceAll('\0', ''))
const json = fc
  .json({ maxDepth: 2, noUnicodeString: false })
  .filter((value) => !/\\u(?:0000|d[89a-f])/i.test(value) && value.isWellFormed())
const moment = fc
  .date({ min: new Date('1000-01-01'), max: new Date('9999-12-30'), noInvalidDate: true })
  .map((date) => date.toISOString().replace('T', ' ').replace('Z', ''))

const nameUnits = [
  'a',
  'Z',
  '0',
  '_',
  '"',
  "'",
  '`',
  ';',
  '-',
  '$',
  '\\',
  '.',
  ' ',
  '\n',
  '\t',
  'ü',
  '語',
  '%',
  '(',
  '--',
  '/*',
  'select',
]

const pgText = text.map((value) => `convert_from('\\x${hex(Buffer.from(value))}', 'UTF8')`)

const dialects: Readonly<Record<EngineLabel, Dialect>> = {
  PostgreSQL: {
    quote: (name) => `"${name.replaceAll('"', '""')}"`,
    nameUnits: [...nameUnits, '😀'],
    types: [
      { sql: 'integer', value: integer },
      { sql: 'bigint', value: big },
      { sql: 'numeric', value: fc.oneof(fc.constantFrom(`'NaN'`, '0.000', '-1e40'), big) },
      { sql: 'double precision', value: fc.oneof(fc.constantFrom(`'NaN'`, `'-Infinity'`, `'-0'`), real) },
      { sql: 'real', value: fc.float({ noNaN: true, noDefaultInfinity: true }).map(String) },
      { sql: 'text', value: pgText },
      { sql: 'varchar(80)', value: pgText },
      { sql: 'bytea', value: bytes.map((value) => `'\\x${hex(value)}'`) },
      { sql: 'boolean', value: fc.constantFrom('true', 'false') },
      { sql: 'jsonb', value: json.map((value) => `convert_from('\\x${hex(Buffer.from(value))}', 'UTF8')::jsonb`) },
      {
        sql: 'text[]',
        value: fc.array(fc.oneof(pgText, fc.constant('NULL')), { maxLength: 3 }).map((all) => `ARRAY[${all}]::text[]`),
      },
      {
        sql: 'timestamptz',
        value: fc.oneof(
          fc.constantFrom(`'infinity'`, `'-infinity'`, `'0044-03-15 BC'`),
          moment.map((value) => `'${value}'`),
        ),
      },
      {
        sql: 'interval',
        value: fc
          .integer({ min: -1e9, max: 1e9 })
          .map((seconds) => `make_interval(months => ${seconds % 99}, secs => ${seconds})`),
      },
    ],
  },
  MariaDB: {
    quote: (name) => `\`${name.replaceAll('`', '``')}\``,
    nameUnits,
    types: [
      { sql: 'int', value: integer },
      { sql: 'bigint', value: big },
      { sql: 'decimal(40,10)', value: big },
      { sql: 'double', value: real },
      {
        sql: 'text CHARACTER SET utf8mb4',
        value: text.map((value) => `CONVERT(0x${hex(Buffer.from(value)) || '20'} USING utf8mb4)`),
      },
      {
        sql: 'varchar(200) CHARACTER SET utf8mb4',
        value: text.map((value) => `CONVERT(0x${hex(Buffer.from(value)) || '20'} USING utf8mb4)`),
      },
      { sql: 'blob', value: bytes.map((value) => `x'${hex(value)}'`) },
      { sql: 'varbinary(300)', value: bytes.map((value) => `x'${hex(value)}'`) },
      { sql: 'bit(8)', value: fc.nat(255).map(String) },
      { sql: 'json', value: json.map((value) => `CONVERT(0x${hex(Buffer.from(value))} USING utf8mb4)`) },
      { sql: 'datetime(6)', value: moment.map((value) => `'${value}'`) },
    ],
  },
  SQLite: {
    quote: (name) => `"${name.replaceAll('"', '""')}"`,
    nameUnits: [...nameUnits, '😀'],
    types: [
      { sql: 'integer', value: big },
      { sql: 'real', value: real },
      { sql: 'text', value: text.map((value) => `CAST(x'${hex(Buffer.from(value))}' AS TEXT)`) },
      { sql: 'blob', value: bytes.map((value) => `x'${hex(value)}'`) },
      {
        sql: '',
        value: fc.oneof(
          integer,
          real,
          bytes.map((value) => `x'${hex(value)}'`),
        ),
      },
    ],
  },
}

/** Names that are told apart without case, and that all three engines take: no blank at the end. */
function names({ nameUnits: units }: Dialect, maxLength: number): fc.Arbitrary<string[]> {
  const name = fc
    .array(fc.constantFrom(...units), { minLength: 1, maxLength: 6 })
    .map((parts) => `${parts.join('').slice(0, 14)}x`)
  return fc.uniqueArray(name, { minLength: 1, maxLength, selector: (value) => value.toLowerCase() })
}

function tableOf(dialect: Dialect, name: string): fc.Arbitrary<{ statements: string[]; rows: number }> {
  const column = fc.record({ type: fc.constantFrom(...dialect.types), index: fc.boolean() })
  return names(dialect, 5).chain((columnNames) =>
    fc.array(column, { minLength: columnNames.length, maxLength: columnNames.length }).chain((columns) => {
      const row = fc.tuple(...columns.map(({ type }) => fc.option(type.value, { nil: 'NULL', freq: 6 })))
      return fc.array(row, { maxLength: 12 }).map((rows) => {
        const definitions = columns.map(({ type }, index) => `${dialect.quote(columnNames[index] ?? '')} ${type.sql}`)
        const create = `CREATE TABLE ${dialect.quote(name)} (${definitions.join(', ')})`
        const inserts = rows.map((values) => `INSERT INTO ${dialect.quote(name)} VALUES (${values.join(', ')})`)
        return { statements: [create, ...inserts], rows: rows.length }
      })
    }),
  )
}

/** Schemas and rows with hostile names and values, as this engine takes them. */
export function randomDatabase(engine: EngineLabel): fc.Arbitrary<RandomDatabase> {
  const dialect = dialects[engine]
  return names(dialect, 4)
    .chain((tableNames) => fc.tuple(...tableNames.map((name) => tableOf(dialect, name))))
    .map((tables) => ({
      statements: tables.flatMap(({ statements }) => statements),
      tables: tables.length,
      rows: tables.reduce((sum, { rows }) => sum + rows, 0),
    }))
}
