import { cpus, totalmem } from 'node:os'
import { parseArgs } from 'node:util'
import { openPlace, type Place } from '../bench/place.ts'
import { type Effort, type Line, markdown, memoryLine, type Row, rows } from '../bench/rows.ts'

// `npm run bench`: our commands and the raw tools side by side, in one run. `-- --quick` takes a tenth of the data and
// three rounds; `-- postgres sqlite` only these rows.
const { values, positionals } = parseArgs({ options: { quick: { type: 'boolean' } }, allowPositionals: true })

async function bench(place: Place): Promise<void> {
  const effort: Effort = { quick: values.quick === true, rounds: (whole) => (values.quick === true ? 3 : whole) }
  const lines: Line[] = []
  for (const row of chosenRows()) lines.push(...(await measure(row, place, effort)))
  const memory = memoryLine(lines)
  process.stdout.write(`\n${markdown(memory === undefined ? lines : [...lines, memory])}\n\n${machine()}\n`)
}

function chosenRows(): readonly Row[] {
  const unknown = positionals.filter((name) => !rows.some((row) => row.name === name))
  if (unknown.length === 0) return rows.filter(({ name }) => positionals.length === 0 || positionals.includes(name))
  throw new Error(`No row is called ${unknown.join(', ')}. There are: ${rows.map(({ name }) => name).join(', ')}`)
}

async function measure(row: Row, place: Place, effort: Effort): Promise<readonly Line[]> {
  const path = `${process.env['PATH']}:/usr/local/sbin:/usr/sbin:/sbin`
  if (row.needs !== undefined && Bun.which(row.needs, { PATH: path }) === null) {
    process.stderr.write(`${row.name}: left out, ${row.needs} is not installed\n`)
    return []
  }
  process.stderr.write(`${row.name} …\n`)
  return row.run(place, effort).catch((error: unknown) => {
    fail(`${row.name}: ${error instanceof Error ? error.message : String(error)}`)
    return []
  })
}

function machine(): string {
  const memory = Math.round(totalmem() / 2 ** 30)
  return `Medians, ${new Date().toISOString().slice(0, 10)}: ${cpus().length} cores (${cpus()[0]?.model.trim()}), ${memory} GB.`
}

function fail(problem: string): void {
  process.stderr.write(`The bench failed: ${problem}\n`)
  process.exitCode = 1
}

const place = await openPlace()
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.once(signal, () => void place.close().then(() => process.kill(process.pid, signal)))
}
try {
  await bench(place)
} catch (error) {
  fail(error instanceof Error ? error.message : String(error))
} finally {
  await place.close()
}
