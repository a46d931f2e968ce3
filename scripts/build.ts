import { mkdir, rename, rm, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { $ } from 'zx'
import { commands } from '../src/main.ts'

// One executable holds every command: 107 MB are Bun itself, whatever is in it. The names are links to it.
const bin = join(import.meta.dirname, '..', 'bin')
const executable = join(bin, 'seatbelt')
const unfinished = `${executable}.building`

await mkdir(bin, { recursive: true })
// A compiled binary would load .env and bunfig.toml of the folder that it is called in, and point the command at them.
const autoload = ['--no-compile-autoload-dotenv', '--no-compile-autoload-bunfig']
const options = ['--compile', '--bytecode', '--format=esm', '--minify', ...autoload]
const entry = join(import.meta.dirname, '..', 'src', 'main.ts')
await $({ quiet: true })`${process.execPath} build ${options} ${entry} --outfile ${unfinished}`
await rename(unfinished, executable)

for (const name of Object.keys(commands)) {
  await rm(join(bin, name), { force: true })
  await symlink('seatbelt', join(bin, name))
}
process.stdout.write(`Built bin/seatbelt and links to it: ${Object.keys(commands).join(', ')}\n`)
