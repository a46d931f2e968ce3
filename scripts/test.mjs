// `npm test`: from a fresh clone to the closing line `N passed, N failed`. Arguments go to vitest.
import { spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { ensureSystemPackages } from './system-packages.mjs'

const root = fileURLToPath(new URL('..', import.meta.url))
const inCi = !['', '0', 'false'].includes(process.env.CI ?? '')
const notes = mkdtempSync(join(tmpdir(), 'seatbelt-test-'))
const countsFile = join(notes, 'counts.json')

let end = { code: 1, signal: null }
try {
  install()
  ensureSystemPackages()
  end = await runVitest(process.argv.slice(2))
} catch (error) {
  console.error(error.message)
}
const { passed, failed } = closingCounts(end)
rmSync(notes, { recursive: true, force: true })
console.log(`${passed} passed, ${failed} failed`)
if (end.signal) process.kill(process.pid, end.signal)
else process.exitCode = end.code || (failed > 0 ? 1 : 0)

function install() {
  const { status } = spawnSync(process.execPath, [join(root, 'scripts/install.mjs')], { stdio: 'inherit' })
  if (status !== 0) throw new Error('The installation failed, so no test was run.')
}

/** On Bun, as what ships runs on it; without `.env`, which Bun loads by itself. */
async function runVitest(args) {
  const vitest = ['--no-env-file', '--bun', join(root, 'node_modules/.bin/vitest'), 'run']
  const reporters = args.some((arg) => arg.startsWith('--reporter')) ? [] : ['--reporter=default']
  const child = spawn(
    join(root, 'node_modules/.bin/bun'),
    [...vitest, ...args, ...reporters, '--reporter=./test/counts.ts'],
    { cwd: root, stdio: 'inherit', env: { ...process.env, SEATBELT_TEST_COUNTS: countsFile } },
  )
  return endOf(child)
}

/** Ends when the child does, not before: what the terminal or `kill` sends to us is the child's to answer first. */
function endOf(child) {
  let received = null
  const receive = (signal) => {
    received = signal
    // The terminal sends Ctrl-C to the child too.
    if (signal !== 'SIGINT') child.kill(signal)
  }
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP']
  for (const signal of signals) process.on(signal, receive)
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('exit', (code, signal) => {
      for (const each of signals) process.off(each, receive)
      resolve({ code, signal: signal ?? received })
    })
  })
}

/** A run that ended badly without a failed test is one failure; in CI so is each skipped test. */
function closingCounts({ code }) {
  const { passed, failed, skipped } = readCounts()
  if (inCi && skipped > 0) console.error(`${skipped} skipped: in CI a skipped test is a failed one`)
  const all = failed + (inCi ? skipped : 0)
  return { passed, failed: all === 0 && code !== 0 ? 1 : all }
}

function readCounts() {
  try {
    return JSON.parse(readFileSync(countsFile, 'utf8'))
  } catch {
    return { passed: 0, failed: 0, skipped: 0 }
  }
}
