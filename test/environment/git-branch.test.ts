import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { gitBranch } from '../../src/environment/git-branch.ts'
import { temporaryFolder } from '../temporary-folder.ts'

// Not the caller's GIT_DIR: a hook has one.
const env = { PATH: process.env['PATH'], HOME: '/nowhere' }
const settings = ['init.defaultBranch=main', 'user.name=t', 'user.email=t@t'].flatMap((setting) => ['-c', setting])

function git(cwd: string, ...words: string[]): void {
  const { exitCode, stderr } = Bun.spawnSync(['git', ...settings, ...words], { cwd, env })
  if (exitCode !== 0) throw new Error(stderr.toString())
}

function repository(): string {
  const folder = temporaryFolder()
  git(folder, 'init')
  git(folder, 'commit', '--allow-empty', '-m', 'first')
  return folder
}

test('is read in the folder and below it', async () => {
  const folder = repository()
  expect(await gitBranch(folder)).toEqual({ name: 'main', source: '.git/HEAD' })
  mkdirSync(join(folder, 'packages/api'), { recursive: true })
  expect(await gitBranch(join(folder, 'packages/api'))).toEqual({ name: 'main', source: '../../.git/HEAD' })
  git(folder, 'checkout', '-b', 'feature/cart')
  expect((await gitBranch(folder))?.name).toBe('feature/cart')
})

test('is known before the first commit', async () => {
  const folder = temporaryFolder()
  git(folder, 'init')
  expect((await gitBranch(folder))?.name).toBe('main')
})

test('of a worktree is its own', async () => {
  const folder = repository()
  const beside = join(temporaryFolder(), 'hotfix')
  git(folder, 'worktree', 'add', '-b', 'hotfix', beside)
  expect((await gitBranch(beside))?.name).toBe('hotfix')
  expect((await gitBranch(folder))?.name).toBe('main')
})

test('is none while a commit is checked out', async () => {
  const folder = repository()
  git(folder, 'checkout', '--detach')
  expect(await gitBranch(folder)).toBeUndefined()
})

test.each<[string, Record<string, string>]>([
  ['nothing', {}],
  ['an empty folder of that name', { '.git/config': '' }],
  ['an empty HEAD', { '.git/HEAD': '' }],
  ['a HEAD that is a folder', { '.git/HEAD/x': '' }],
  ['a file that leads nowhere', { '.git': 'gitdir: /nowhere/at/all\n' }],
  ['a file of something else', { '.git': 'hello\n' }],
])('is none with %s', async (_, files) => {
  expect(await gitBranch(temporaryFolder(files))).toBeUndefined()
})

test('does not wait for a pipe', async () => {
  const folder = temporaryFolder({ '.git/config': '' })
  Bun.spawnSync(['mkfifo', join(folder, '.git/HEAD')])
  expect(await gitBranch(folder)).toBeUndefined()
})
