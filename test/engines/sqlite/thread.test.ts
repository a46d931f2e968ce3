import { join } from 'node:path'
import { expect, test } from 'vitest'

const source = join(import.meta.dirname, '../../../src/engines/sqlite/thread.ts')

test.each(['before', 'while'])('an abort %s a statement runs leaves no thread that keeps the process', async (when) => {
  const program = `
    import { inThread } from ${JSON.stringify(source)}
    const control = new AbortController()
    const abort = () => control.abort(new Error('interrupted'))
    const forEver = 'WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n'
    ${when === 'before' ? 'abort()' : 'setTimeout(abort, 100)'}
    await inThread(control.signal, { file: ':memory:', flags: 6 }, (connection) => connection.rows(forEver)).catch(
      (error) => console.log(error.message),
    )`
  const child = Bun.spawn([process.execPath, '-e', program], { stderr: 'inherit', timeout: 60_000 })
  expect(await new Response(child.stdout).text()).toBe('interrupted\n')
  expect(await child.exited).toBe(0)
})
