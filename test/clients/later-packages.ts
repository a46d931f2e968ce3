// Client tools (and servers) of later Debian suites, unpacked in a private folder: the system's packages stay as they are.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { basename, join } from 'node:path'

const cache = join(homedir(), '.cache', 'db-seatbelt-clients')

export type LaterPackages = {
  readonly name: string
  readonly suite: 'trixie' | 'sid'
  readonly packages: readonly string[]
  /** Their paths below the root of the packages. */
  readonly programs: readonly string[]
}

/**
 * Unpacks the packages once and returns the folder with what starts their programs, each with its own loader and
 * libraries. Needs Debian's apt-get; throws where that fails.
 */
export function laterPackages({ name, suite, packages, programs }: LaterPackages): string {
  const folder = join(cache, `${name}-${suite}`)
  if (existsSync(join(folder, 'bin'))) return join(folder, 'bin')
  const work = `${folder}.${process.pid}.tmp`
  rmSync(work, { recursive: true, force: true })
  try {
    unpack(work, suite, packages)
    writeLaunchers(work, folder, programs)
    // Another test file may have been faster: what it uses is not replaced.
    if (!existsSync(folder)) renameSync(work, folder)
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
  return join(folder, 'bin')
}

function unpack(work: string, suite: string, packages: readonly string[]): void {
  const apt = join(work, 'apt')
  for (const part of ['state/lists/partial', 'cache/archives/partial']) mkdirSync(join(apt, part), { recursive: true })
  writeFileSync(join(apt, 'status'), '')
  const source = `deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] ${mirror()} ${suite} main\n`
  writeFileSync(join(apt, 'suite.list'), source)
  aptGet(apt, 'update', '-qq')
  aptGet(apt, 'install', '--download-only', '-y', '-qq', ...packages)
  const archives = join(apt, 'cache/archives')
  const root = join(work, 'root')
  for (const file of readdirSync(archives).filter((one) => one.endsWith('.deb'))) {
    run('dpkg-deb', ['-x', join(archives, file), root])
  }
  rmSync(apt, { recursive: true, force: true })
}

// The mirror that this machine uses.
function mirror(): string {
  const folder = '/etc/apt/sources.list.d'
  const files = existsSync(folder) ? readdirSync(folder).filter((file) => file.endsWith('.sources')) : []
  const texts = files.toSorted().map((file) => readFileSync(join(folder, file), 'utf8'))
  const list = existsSync('/etc/apt/sources.list') ? readFileSync('/etc/apt/sources.list', 'utf8') : ''
  const found = /^URIs: *(\S+)/m.exec(texts.join('\n'))?.[1] ?? /^deb (?:\[[^\]]*\] )?(\S+)/m.exec(list)?.[1]
  if (found === undefined) throw new Error('No Debian mirror in /etc/apt: later client tools cannot be had')
  return found
}

function aptGet(apt: string, ...args: readonly string[]): void {
  const options = {
    'Dir::State': join(apt, 'state'),
    'Dir::State::status': join(apt, 'status'),
    'Dir::Cache': join(apt, 'cache'),
    'Dir::Etc::sourcelist': join(apt, 'suite.list'),
    'Dir::Etc::sourceparts': '/nonexistent',
    'APT::Sandbox::User': 'root',
    'APT::Install-Recommends': 'false',
    'APT::Update::Error-Mode': 'any', // else lists that could not be had are no error
  }
  run('apt-get', [...Object.entries(options).flatMap(([key, value]) => ['-o', `${key}=${value}`]), ...args])
}

// Programs of a later suite need its own C library; `exec`: the program keeps our process id.
function writeLaunchers(work: string, folder: string, programs: readonly string[]): void {
  const libraries = join(folder, 'root/usr/lib', `${process.arch === 'arm64' ? 'aarch64' : 'x86_64'}-linux-gnu`)
  const loader = readdirSync(libraries.replace(folder, work)).find((file) => /^ld-linux.*\.so/.test(file)) ?? ''
  mkdirSync(join(work, 'bin'))
  for (const program of programs) {
    const target = join(folder, 'root', program)
    const path = `${libraries}:${join(folder, 'root/usr/lib/mysql/private')}`
    const line = `exec ${join(libraries, loader)} --argv0 "$0" --library-path ${path} ${target} "$@"`
    writeFileSync(join(work, 'bin', basename(program)), `#!/bin/sh\n${line}\n`, { mode: 0o755 })
  }
}

function run(command: string, args: readonly string[]): void {
  const { status, stderr } = spawnSync(command, args, {
    encoding: 'utf8',
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
  })
  if (status !== 0) throw new Error(`${command} ${args.at(-1)} ended with ${status}: ${stderr.slice(-2000)}`)
}
