import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { newProject, type Project } from '../e2e/project.ts'
import { type EngineLabel, engineLabels } from '../e2e/shops.ts'
import { oneOf, randomFrom } from './random.ts'
import { changeTo, openVersioned, type Versioned } from './versioned.ts'
import { descendantsOf, killHard } from './victims.ts'

const rounds = Number(process.env['SEATBELT_FAULT_ROUNDS'] ?? 100)
const onlySeed = process.env['SEATBELT_FAULT_SEED']
const seeds = onlySeed === undefined ? Array.from({ length: rounds }, (_, index) => index + 1) : [Number(onlySeed)]

type Operation = 'backup' | 'restore' | 'migrate'
type Victim = 'ours' | 'tool' | 'server' | 'command'

/** What is done, who is killed, and at which share of the time that it takes. */
type Fault = { readonly operation: Operation; readonly victim: Victim; readonly share: number }

const victimsOf: Readonly<Record<Operation, readonly Victim[]>> = {
  backup: ['ours', 'ours', 'tool', 'server'],
  restore: ['ours', 'ours', 'tool', 'server'],
  migrate: ['ours', 'command', 'tool', 'server'],
}

function faultOf(seed: number, engine: EngineLabel): Fault {
  const random = randomFrom(seed)
  const operation = oneOf<Operation>(random, ['backup', 'restore', 'migrate'])
  const wanted = oneOf(random, victimsOf[operation])
  // SQLite has neither a server nor a client of its own.
  const victim = engine === 'SQLite' && (wanted === 'server' || wanted === 'tool') ? 'ours' : wanted
  // The command comes last.
  return { operation, victim, share: victim === 'command' ? 0.6 + random() * 0.5 : random() * 1.1 }
}

/** The state that one round leaves to the next. */
type World = {
  readonly versioned: Versioned
  readonly project: Project
  /** A backup that no round rotates out, and its version. */
  readonly anchor: { readonly path: string; readonly version: number }
  readonly milliseconds: Record<Operation, number>
  readonly hits: Record<Victim, number>
}

const wordsOf: Readonly<Record<Operation, (world: World) => readonly [string, readonly string[]]>> = {
  backup: () => ['backup-database', ['--keep', '3']],
  restore: ({ anchor }) => ['restore-database', ['--yes', '--keep', '3', anchor.path]],
  migrate: ({ project }) => ['safe-migrate', ['--keep', '3', 'bash', project.path('migration.sh')]],
}

async function openWorld(engine: EngineLabel): Promise<World> {
  const versioned = await openVersioned(engine)
  const project = newProject(versioned.shop.env)
  await versioned.become(1)
  expect(await project.run('backup-database')).toMatchObject({ code: 0 })
  const [file = ''] = project.backups()
  for (const name of [file, `${file}.json`]) {
    project.write(`anchor/${name}`, readFileSync(project.path(`backups/${name}`)), 0o600)
  }
  const milliseconds = { backup: 0, restore: 0, migrate: 0 }
  const anchor = { path: `anchor/${file}`, version: 1 }
  const world = { versioned, project, anchor, milliseconds, hits: { ours: 0, tool: 0, server: 0, command: 0 } }
  for (const operation of ['backup', 'restore', 'migrate'] as const) {
    await prepare(world, engine, 2)
    const [command, words] = wordsOf[operation](world)
    const begin = performance.now()
    expect(await project.run(command, words)).toMatchObject({ code: 0 })
    milliseconds[operation] = performance.now() - begin
  }
  return world
}

/** The live database is of this version, and a migration would make it of the next. */
async function prepare({ versioned, project }: World, engine: EngineLabel, version: number): Promise<void> {
  await versioned.become(version)
  const client = { PostgreSQL: 'psql -qX -v ON_ERROR_STOP=1', MariaDB: 'mariadb', SQLite: 'sqlite3 -bail' }[engine]
  project.write('migration.sql', `${changeTo(version + 1)};\n`)
  project.write('migration.sh', `set -e\n${clientCall(versioned, engine, client)} < migration.sql\nsleep 0.1\n`)
}

function clientCall({ shop }: Versioned, engine: EngineLabel, client: string): string {
  const { hostname, port, username, password, pathname } = new URL(shop.url)
  if (engine === 'SQLite') return `${client} '${shop.env['DB_DATABASE']}'`
  if (engine === 'PostgreSQL') return `${client} '${shop.url}'`
  const database = decodeURIComponent(pathname.slice(1))
  return `MYSQL_PWD='${password}' ${client} --no-defaults -h ${hostname} -P ${port} -u ${username} '${database}'`
}

async function strike({ versioned, hits }: World, victim: Victim, pid: number): Promise<void> {
  if (victim === 'server') {
    hits.server++
    return versioned.killServer?.()
  }
  const below = descendantsOf(pid)
  const isCommand = (name: string) => name === 'bash' || name === 'sleep'
  const found =
    victim === 'ours'
      ? [pid]
      : below
          .filter(({ name }) => isCommand(name) === (victim === 'command') && !name.startsWith('seatbelt'))
          .map((one) => one.pid)
  for (const one of found) if (killHard(one)) hits[victim]++
}

async function play(world: World, fault: Fault): Promise<void> {
  const [command, words] = wordsOf[fault.operation](world)
  const running = world.project.start(command, words)
  let striking: Promise<void> | undefined
  const strikeNow = () => {
    striking = strike(world, fault.victim, running.pid)
  }
  const timer = setTimeout(strikeNow, world.milliseconds[fault.operation] * fault.share)
  await running.ended
  clearTimeout(timer)
  await striking
}

/** Whatever has a backup's name is whole; what has a manifest is what that says. */
function requireNoHalfBackup({ project, versioned }: World): void {
  for (const name of project.backups()) {
    const bytes = readFileSync(project.path(`backups/${name}`))
    expect(isWhole(versioned, bytes), name).toBe(true)
    if (!existsSync(project.path(`backups/${name}.json`))) continue
    const { sha256, storedBytes } = project.manifest(name)
    const found = { sha256: createHash('sha256').update(bytes).digest('hex'), storedBytes: bytes.length }
    expect({ sha256, storedBytes }, name).toEqual(found)
  }
}

function isWhole({ shop }: Versioned, bytes: Buffer): boolean {
  if (shop.engine === 'SQLite') return bytes.readUInt32BE(28) * bytes.readUInt16BE(16) === bytes.length
  return /^-- (?:PostgreSQL database dump complete|Dump completed)/m.test(bytes.toString('latin1'))
}

/** The next run works, says what it cleared, and leaves nothing but backups. */
async function requireNextRunClears({ project }: World): Promise<void> {
  const leftovers = project.kept().filter((name) => name.startsWith('.seatbelt-'))
  const next = await project.run('backup-database', ['--keep', '3'])
  expect(next).toMatchObject({ code: 0 })
  expect(leftovers.length === 0 || /Cleared|Completed/.test(next.stderr), next.stderr).toBe(true)
  const backups = project.backups()
  expect(project.kept()).toEqual(backups.flatMap((name) => [name, `${name}.json`]).toSorted())
  expect(readdirSync(project.path('tmp')).filter((name) => name.startsWith('seatbelt-'))).toEqual([])
}

/** Which versions may be there after an operation that was cut off. */
function allowedAfter({ operation }: Fault, { anchor }: World, version: number): readonly number[] {
  if (operation === 'restore') return [version, anchor.version]
  return operation === 'migrate' ? [version, version + 1] : [version]
}

/** Every backup that the list shows restores, to a whole database. */
async function requireEachRestores(world: World): Promise<void> {
  const { project, versioned } = world
  const list = await project.run('restore-database', ['--json'])
  const files: readonly string[] = JSON.parse(list.stdout).backups.map(({ file }: { file: string }) => file)
  expect(files.toSorted()).toEqual(project.backups().toSorted())
  for (const file of files) {
    expect(await project.run('restore-database', ['--yes', '--keep', '100', `backups/${file}`])).toMatchObject({
      code: 0,
    })
    await versioned.version()
  }
  await requireNothingBeside(world)
}

// What had no mark yet when its maker was killed is left to the next restore, which looks whether it is empty.
async function requireNothingBeside({ project, versioned: { shop }, anchor }: World): Promise<void> {
  await shop.settled()
  expect(await project.run('restore-database', ['--yes', anchor.path])).toMatchObject({ code: 0 })
  // A former database whose restore was killed before its last step is kept, and named: it may hold what nothing else does.
  expect((await shop.beside()).filter((name) => !name.includes('_seatbelt_old_'))).toEqual([])
}

describe.each(engineLabels)('%s: SIGKILL at random moments', (engine) => {
  test('leaves the old database or the new one, whole, and backups that restore', async () => {
    const world = await openWorld(engine)
    const { versioned } = world
    for (const seed of seeds) {
      const version = seed * 10
      await prepare(world, engine, version)
      const fault = faultOf(seed, engine)
      const story = `seed ${seed}: ${JSON.stringify(fault)}`
      await play(world, fault)
      requireNoHalfBackup(world)
      expect(allowedAfter(fault, world, version), story).toContain(await versioned.version())
      await versioned.shop.settled()
      await requireNextRunClears(world).catch((error) => {
        throw new Error(story, { cause: error })
      })
    }
    await requireEachRestores(world)
    const aimedAt =
      engine === 'SQLite' ? (['ours', 'command'] as const) : (['ours', 'command', 'tool', 'server'] as const)
    if (seeds.length > 50) for (const victim of aimedAt) expect(world.hits[victim], victim).toBeGreaterThan(0)
  })
})
