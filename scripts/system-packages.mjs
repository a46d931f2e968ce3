// The programs that the tests need of the system: PostgreSQL's client tools, MariaDB's server and client.
import { spawnSync } from 'node:child_process'
import { existsSync, rmSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'

const programs = ['pg_dump', 'psql', 'mariadbd', 'mariadb-install-db', 'mysqldump']
const oldestPostgres = 13
// Servers live where only root looks.
const places = [...(process.env.PATH ?? '').split(delimiter), '/usr/local/sbin', '/usr/sbin', '/sbin']

/** Installs what is missing where we may; elsewhere throws with the one command that does. */
export function ensureSystemPackages() {
  const lacking = missing()
  if (lacking.length === 0) return
  if (!canInstall()) throw new Error(instruction(lacking))
  installDebianPackages(['postgresql-client', 'mariadb-server'])
  const still = missing()
  if (still.length > 0) throw new Error(`Still missing after apt-get install: ${still.join(', ')}`)
}

function canInstall() {
  return process.getuid?.() === 0 && existsSync('/usr/bin/apt-get')
}

/** Installs packages of Debian; throws, with the command that does it, where we may not. */
export function installDebianPackages(packages) {
  const install = `apt-get install -y --no-install-recommends ${packages.join(' ')}`
  if (!canInstall())
    throw new Error(`The tests need programs that are not here. Install them with:\n\n  sudo ${install}\n`)
  console.error(`Installing what the tests need of the system: ${packages.join(', ')}`)
  withoutStartingServices(() => {
    apt('update')
    apt('install', '-y', '--no-install-recommends', ...packages)
  })
}

function missing() {
  const absent = programs.filter((name) => !places.some((place) => existsSync(join(place, name))))
  return absent.includes('pg_dump') || postgresMajor() >= oldestPostgres
    ? absent
    : [...absent, `a pg_dump of PostgreSQL ${oldestPostgres} or newer (this one is of ${postgresMajor()})`]
}

function postgresMajor() {
  const { stdout } = spawnSync('pg_dump', ['--version'], { encoding: 'utf8' })
  return Number(/\d+/.exec(stdout)?.[0] ?? 0)
}

function instruction(lacking) {
  return `The tests need programs that are not here: ${lacking.join(', ')}.\nInstall them with:\n\n  ${installCommand()}\n`
}

function installCommand() {
  if (existsSync('/usr/bin/apt-get')) {
    const install = 'apt-get install -y --no-install-recommends postgresql-client mariadb-server'
    return `sudo sh -c 'apt-get update && ${install}'`
  }
  if (existsSync('/usr/bin/dnf')) return 'sudo dnf install -y postgresql mariadb-server mariadb'
  if (existsSync('/usr/bin/pacman')) return 'sudo pacman -S --needed postgresql-libs mariadb'
  return 'brew install libpq mariadb && brew link --force libpq'
}

/** Debian starts a server that it installs, unless this file says no; ours are private. */
function withoutStartingServices(install) {
  const policy = '/usr/sbin/policy-rc.d'
  const isOurs = !existsSync(policy)
  if (isOurs) writeFileSync(policy, '#!/bin/sh\nexit 101\n', { mode: 0o755 })
  try {
    install()
  } finally {
    if (isOurs) rmSync(policy)
  }
}

function apt(...args) {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  const { status } = spawnSync('apt-get', ['-q', ...args], { env, stdio: ['ignore', 'inherit', 'inherit'] })
  if (status !== 0) throw new Error(`apt-get ${args.join(' ')} ended with ${status}`)
}
