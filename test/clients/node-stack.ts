import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { cp, mkdir, mkdtemp, readdir, readFile, rename, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { homedir, tmpdir } from 'node:os'
import { basename, join, relative } from 'node:path'
import { layouts } from '../frameworks/recognising.ts'

/** A tool with its drivers, in exact versions: `knex@3.3.0`, and files that its projects get. They are no dependencies of ours. */
export type NodeStack = {
  readonly name: string
  readonly packages: readonly string[]
  readonly files?: readonly string[]
}

/** Installs a stack once, outside the tree, and returns the folder with its node_modules. */
async function installed({ name, packages }: NodeStack): Promise<string> {
  const hash = createHash('sha256').update(packages.join(' ')).digest('hex').slice(0, 12)
  const folder = join(homedir(), '.cache', 'db-seatbelt-clients', `${name}-${hash}`)
  if (existsSync(folder)) return folder
  await mkdir(join(folder, '..'), { recursive: true })
  const beside = await mkdtemp(`${folder}-`)
  await writeFile(join(beside, 'package.json'), '{ "private": true }')
  const npm = Bun.spawn(['npm', 'install', '--no-audit', '--no-fund', '--save-exact', ...packages], {
    cwd: beside,
    stdout: 'ignore',
    stderr: 'pipe',
  })
  if ((await npm.exited) !== 0)
    throw new Error(`npm install ${packages.join(' ')}: ${await new Response(npm.stderr).text()}`)
  await rename(beside, folder).catch(() => rm(beside, { recursive: true }))
  return folder
}

/** A copy of a layout with the stack's node_modules; texts are replaced in all its files. */
export async function projectOf(
  stack: NodeStack,
  layout: string,
  replacements: Readonly<Record<string, string>> = {},
): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), `${stack.name}-`))
  await cp(join(layouts, layout), folder, { recursive: true })
  await symlink(join(await installed(stack), 'node_modules'), join(folder, 'node_modules'))
  for (const file of stack.files ?? []) await cp(file, join(folder, basename(file)))
  for (const name of await readdir(folder, { recursive: true })) await replaceIn(join(folder, name), replacements)
  return folder
}

async function replaceIn(file: string, replacements: Readonly<Record<string, string>>): Promise<void> {
  if (file.includes('/node_modules') || !(await stat(file)).isFile()) return
  let text = await readFile(file, 'utf8')
  for (const [from, to] of Object.entries(replacements)) text = text.replaceAll(from, to)
  await writeFile(file, text)
}

/** The folder as `recognition` takes it. */
export function asLayout(folder: string): string {
  return relative(layouts, folder)
}
