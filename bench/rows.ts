import { lstat, readdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { $ } from 'zx'
import { sideBySide } from './measure.ts'
import { bin, clientTool, type Filled, instantCall, ourCall, type Place, rawCall, unchangedCall } from './place.ts'

export type Effort = { readonly quick: boolean; readonly rounds: (whole: number) => number }

/** One line of the table. `figure` is what is held against `limit`; `peakBytes` is of our own process, where it worked hard. */
export type Line = {
  readonly what: string
  readonly ours: string
  readonly beside: string
  readonly figure: number
  readonly limit: number
  readonly unit: '×' | ' ms' | ' %' | ' MB'
  readonly peakBytes?: number
}

export type Row = {
  readonly name: string
  /** A program of the system that the row cannot do without. */
  readonly needs?: string
  run(place: Place, effort: Effort): Promise<readonly Line[]>
}

const megabyte = 1_000_000

export const rows: readonly Row[] = [
  { name: 'start', run: startRow },
  { name: 'small', needs: 'pg_dump', run: smallRow },
  { name: 'postgres', needs: 'pg_dump', run: postgresRows },
  { name: 'prove', needs: 'pg_dump', run: proveRow },
  { name: 'instant', needs: 'pg_dump', run: instantRow },
  { name: 'mariadb', needs: 'mariadbd', run: mariaRow },
  { name: 'sqlite', needs: 'sqlite3', run: sqliteRow },
  { name: 'unchanged', needs: 'pg_dump', run: unchangedRows },
  { name: 'size', run: sizeRow },
]

async function startRow(place: Place, { rounds }: Effort): Promise<readonly Line[]> {
  const environment = { PATH: process.env['PATH'] ?? '' }
  const call = { command: [join(bin, 'backup-database'), '--version'], cwd: place.folder, environment }
  const [ours] = await sideBySide([call], rounds(40))
  const figure = ours?.milliseconds ?? Number.NaN
  return [{ what: '`backup-database --version`', ours: shownMs(figure), beside: '', figure, limit: 20, unit: ' ms' }]
}

// Debian's `pg_dump` is a script that finds the right one; ours finds it too, so both are told.
async function smallRow(place: Place, { rounds }: Effort): Promise<readonly Line[]> {
  const filled = await place.postgres(megabyte / 10)
  const script = join(import.meta.dirname, 'dump-then-run.sh')
  const ours = ourCall(place, filled, ['safe-test', 'true'])
  const usual = rawCall(place, filled, `exec ${script} pg_dump true`)
  const bare = rawCall(place, filled, `exec ${script} ${await clientTool(filled)} true`)
  const [safe, named, direct] = await sideBySide([ours, usual, bare], rounds(20))
  if (safe === undefined || named === undefined || direct === undefined) throw new Error('a run is missing')
  const what = '`safe-test true`, small PostgreSQL, against a ten-line script'
  return [
    line({ what: `${what} with the \`pg_dump\` of the PATH`, limit: 1.8 }, safe, named),
    line({ what: `${what} with the server's own \`pg_dump\``, limit: 1.8 }, safe, direct),
  ]
}

async function postgresRows(place: Place, { quick, rounds }: Effort): Promise<readonly Line[]> {
  const size = sizeOf(500, quick)
  const filled = await place.postgres(size * megabyte)
  const raw = rawCall(place, filled, `exec ${await clientTool(filled)} > "$OUT"`)
  const plain = ourCall(place, filled, ['backup-database'])
  const zstd = ourCall(place, filled, ['backup-database', '--compress', 'zstd'])
  const [ours, packed, theirs] = await sideBySide([plain, zstd, raw], rounds(7))
  if (ours === undefined || packed === undefined || theirs === undefined) throw new Error('a run is missing')
  const what = `PostgreSQL, ${size} MB, against \`pg_dump > file\``
  const figure = zstd.storedShare() * 100
  const share = { ours: `${figure.toFixed(1)} %`, beside: '100 %', figure, limit: 8, unit: ' %' as const }
  return [
    line({ what: `${what}: plain, with SHA-256, counts and digests`, limit: 1.2 }, ours, theirs),
    line({ what: `${what}: \`--compress zstd\``, limit: 0.95 }, packed, theirs),
    { what: 'the same: bytes on the disk', ...share },
  ]
}

async function mariaRow(place: Place, { quick, rounds }: Effort): Promise<readonly Line[]> {
  const size = sizeOf(200, quick)
  const filled = await place.maria(size * megabyte)
  const login = '--no-defaults --host="$DB_HOST" --port="$DB_PORT" --user="$DB_USER"'
  const raw = rawCall(place, filled, `exec ${await clientTool(filled)} ${login} "$DB_NAME" > "$OUT"`)
  const what = `MariaDB, ${size} MB, against \`mysqldump > file\``
  return [await against({ what, limit: 1.15 }, ourCall(place, filled, ['backup-database']), raw, rounds(7))]
}

async function sqliteRow(place: Place, { quick, rounds }: Effort): Promise<readonly Line[]> {
  const size = sizeOf(500, quick)
  const filled = await place.sqlite(size * megabyte)
  const raw = rawCall(place, filled, `exec sqlite3 '${filled.file}' "VACUUM INTO '$OUT'"`)
  const what = `SQLite, ${size} MB, against \`sqlite3 … "VACUUM INTO"\``
  return [await against({ what, limit: 1.2 }, ourCall(place, filled, ['backup-database']), raw, rounds(7))]
}

async function proveRow(place: Place, { quick, rounds }: Effort): Promise<readonly Line[]> {
  const size = sizeOf(500, quick)
  const filled = await place.postgres(size * megabyte)
  const { dump, psql, scratch, create, drop } = await scratchTools(filled)
  const load = `${create} && ${psql} -1 -d ${scratch} -f "$OUT" > /dev/null`
  const raw = rawCall(place, filled, `${dump} > "$OUT" && ${load} && ${dump} -d ${scratch} > /dev/null && ${drop}`)
  const ours = ourCall(place, filled, ['backup-database', '--prove'])
  const what = `\`backup-database --prove\`, PostgreSQL, ${size} MB, against its steps by hand: dump, load beside, dump that`
  return [await against({ what, limit: 1.2 }, ours, raw, rounds(3))]
}

async function instantRow(place: Place, { quick, rounds }: Effort): Promise<readonly Line[]> {
  const size = sizeOf(500, quick)
  const filled = await place.postgres(size * megabyte)
  const { dump, psql, scratch, create, drop } = await scratchTools(filled)
  const file = join(place.folder, 'instant.sql')
  await $({ env: { ...process.env, ...filled.environment } })`${dump} --file=${file}`
  const load = `${create} && ${psql} -1 -d ${scratch} -f '${file}' > "$OUT" && ${drop}`
  const what = `\`restore-database --instant\`, PostgreSQL, ${size} MB, against loading its dump with \`psql\``
  const ours = await instantCall(place, filled)
  return [await against({ what, limit: 0.1 }, ours, rawCall(place, filled, load), rounds(5))]
}

/** The raw tools, and the lines that make and drop a scratch database. */
async function scratchTools(filled: Filled) {
  const dump = await clientTool(filled)
  const psql = `${join(dirname(dump), 'psql')} -X -q -v ON_ERROR_STOP=1`
  const scratch = `${filled.environment['PGDATABASE']}_scratch`
  const [create, drop] = ['CREATE', 'DROP'].map((verb) => `${psql} -c '${verb} DATABASE ${scratch}'`)
  return { dump, psql, scratch, create, drop }
}

async function unchangedRows(place: Place, { quick, rounds }: Effort): Promise<readonly Line[]> {
  const size = sizeOf(500, quick)
  const lines: Line[] = []
  for (const [name, fill] of [
    ['PostgreSQL', place.postgres],
    ['MariaDB', place.maria],
    ['SQLite', place.sqlite],
  ] as const) {
    const call = await unchangedCall(place, await fill(size * megabyte))
    const [ours] = await sideBySide([call], rounds(20))
    const figure = ours?.milliseconds ?? Number.NaN
    const what = `\`backup-database\` of what did not change since the last one, ${name}, ${size} MB`
    lines.push({ what, ours: shownMs(figure), beside: '', figure, limit: 100, unit: ' ms' })
  }
  return lines
}

async function sizeRow(): Promise<readonly Line[]> {
  const sizes = await Promise.all((await readdir(bin)).map(async (name) => (await lstat(join(bin, name))).size))
  const whole = sizes.reduce((sum, size) => sum + size, 0)
  const one = (await lstat(join(bin, 'seatbelt'))).size
  const shown = { ours: `${Math.round(whole / megabyte)} MB`, beside: `${Math.round(one / megabyte)} MB` }
  return [{ what: 'all of `bin/`, against one executable', ...shown, figure: whole / one, limit: 1.05, unit: '×' }]
}

function sizeOf(megabytes: number, quick: boolean): number {
  return quick ? megabytes / 10 : megabytes
}

type Aim = { readonly what: string; readonly limit: number }
type Calls = Parameters<typeof sideBySide>[0]
type Measured = Awaited<ReturnType<typeof sideBySide>>[number]

async function against(aim: Aim, ours: Calls[number], raw: Calls[number], rounds: number): Promise<Line> {
  const [first, second] = await sideBySide([ours, raw], rounds)
  if (first === undefined || second === undefined) throw new Error('a run is missing')
  return line(aim, first, second)
}

function line({ what, limit }: Aim, ours: Measured, theirs: Measured): Line {
  const shown = { ours: shownMs(ours.milliseconds), beside: shownMs(theirs.milliseconds) }
  const figure = ours.milliseconds / theirs.milliseconds
  return { what, ...shown, figure, limit, unit: '×', peakBytes: ours.peakBytes }
}

function shownMs(milliseconds: number): string {
  return milliseconds < 1000 ? `${milliseconds.toFixed(1)} ms` : `${(milliseconds / 1000).toFixed(2)} s`
}

/** The most memory that our own process held in any of the lines. */
export function memoryLine(lines: readonly Line[]): Line | undefined {
  const peaks = lines.flatMap(({ peakBytes = 0 }) => (peakBytes > 0 ? [peakBytes] : []))
  if (peaks.length === 0) return undefined
  const figure = Math.max(...peaks) / megabyte
  const what = 'the most memory of our process in all of these'
  return { what, ours: `${figure.toFixed(0)} MB`, beside: '', figure, limit: 150, unit: ' MB' }
}

/** The lines as one Markdown table. */
export function markdown(lines: readonly Line[]): string {
  const head = ['what', 'db-seatbelt', 'beside it', 'figure', 'to reach', '']
  const cells = lines.map(({ what, ours, beside, figure, limit, unit }) => {
    const digits = unit === '×' ? 2 : 1
    return [
      what,
      ours,
      beside,
      `${figure.toFixed(digits)}${unit}`,
      `≤ ${limit}${unit}`,
      figure <= limit ? '' : 'missed',
    ]
  })
  const all = [head, head.map(() => '---'), ...cells]
  return all.map((row) => `| ${row.join(' | ')} |`).join('\n')
}
