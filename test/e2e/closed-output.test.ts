import { expect, test } from 'vitest'
import { newProject } from './project.ts'
import { openShop } from './shops.ts'

const shell = ['/bin/sh', '-c']

test.each([
  ['full', `"$0" "$@" 2>/dev/full`],
  ['closed by its reader', `{ "$0" "$@"; echo $? >code; } 2>&1 >/dev/null | true; exit $(cat code)`],
])('the command keeps its exit code when our stderr is %s', async (_, script) => {
  const project = newProject((await openShop('SQLite')).env)
  const ended = await project.run('safe-test', ['sh', '-c', 'exit 7'], { under: [...shell, script] })
  expect(ended.code).toBe(7)
})
