// Makes a fresh clone ready on a machine that has only Node and npm: dependencies, then the executable.
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const bun = join(root, 'node_modules/.bin/bun')

try {
  if (!isInstalled()) run('npm', ['ci', '--include=dev', '--include=optional', '--no-audit', '--no-fund'])
  finishBlockedInstalls()
  run('npm', ['run', '--silent', 'build'])
} catch (error) {
  console.error(error.message)
  process.exitCode = 1
}

/**
 * Compares what is locked with npm's own note of what it installed: times say nothing after a checkout. What is
 * optional is mostly for other machines.
 */
function isInstalled() {
  const present = packagesIn('node_modules/.package-lock.json')
  const isPresent = ([path, entry]) => (present[path] ? present[path].version === entry.version : entry.optional)
  return Object.entries(packagesIn('package-lock.json')).every(
    ([path, entry]) => path === '' || isPresent([path, entry]),
  )
}

function packagesIn(file) {
  return existsSync(join(root, file)) ? JSON.parse(readFileSync(join(root, file), 'utf8')).packages : {}
}

/** Where install scripts are blocked, bun is a stub and the PostgreSQL servers lack their links. */
function finishBlockedInstalls() {
  if (spawnSync(bun, ['--version']).status !== 0) runIn('node_modules/bun', 'install.js')
  for (const server of ['pg13', 'pg15', 'pg16', 'pg18'].map((name) => `node_modules/${name}`)) {
    if (existsSync(join(root, server))) runIn(server, 'scripts/hydrate-symlinks.js')
  }
}

function runIn(folder, script) {
  run(process.execPath, [script], join(root, folder))
}

function run(command, args, cwd = root) {
  const { status, signal, error } = spawnSync(command, args, { cwd, stdio: 'inherit' })
  if (status === 0) return
  throw new Error(`${command} ${args.join(' ')} ended with ${error?.message ?? signal ?? status}`)
}
