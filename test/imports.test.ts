import { globSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { describe, expect, it } from 'vitest'
import { commands } from '../src/main.ts'

/** The way of the data (design: rooms): a room imports only what stands before it. Rooms of one line do not know each other. */
const order = [
  ['failure.ts', 'version.ts'],
  ['effects'],
  ['shell-words.ts'],
  ['environment'],
  ['target'],
  ['frameworks'],
  ['operation.ts', 'options.ts'],
  ['invocation.ts', 'project-file.ts'],
  ['client-folders', 'digest', 'engine', 'packages'],
  ['engines/mysql', 'engines/postgres', 'engines/sqlite'],
  ['registry'],
  ['guard.ts'],
  ['backup'],
  ['decide.ts'],
  ['say-and-guard.ts'],
  ['run'],
  ['journal', 'inspect.ts', 'mark.ts'],
  ['command.ts', 'overview.ts'],
  ['commands'],
  ['main.ts'],
]

const root = join(import.meta.dirname, '..')
// The tools of the project (build, demo, bench) stand outside: nothing here may import them.
const files = [...globSync('src/**/*.ts', { cwd: root }), ...Object.keys(commands).map((name) => `scripts/${name}.ts`)]

function roomOf(file: string): string {
  const [top, first = '', second] = file.split('/')
  if (top === 'scripts') return 'commands'
  if (first !== 'engines') return first
  return second?.endsWith('.ts') ? second.replace(/\.ts$/, '') : `${first}/${second}`
}

function placeOf(file: string): number {
  return order.findIndex((rooms) => rooms.includes(roomOf(file)))
}

type Arrow = { readonly from: string; readonly to: string; readonly typeOnly: boolean }

function arrowsOf(file: string): readonly Arrow[] {
  const text = readFileSync(join(root, file), 'utf8')
  const imports = text.matchAll(/(?:^(import|export) (type )?[^'"]*?from |^import |\bimport\()'(\.[^']+)'/gm)
  return [...imports].map(([, , type, path = '']) => ({
    from: file,
    to: normalize(join(dirname(file), path)),
    typeOnly: type !== undefined,
  }))
}

const arrows = files.flatMap(arrowsOf).filter(({ to }) => to.endsWith('.ts'))

/** Files that come back to themselves by imports that stay at run time. */
function cycles(): readonly string[] {
  const found: string[] = []
  const done = new Set<string>()
  const visit = (file: string, path: readonly string[]): void => {
    if (path.includes(file)) found.push([...path.slice(path.indexOf(file)), file].join(' → '))
    if (done.has(file) || path.includes(file)) return
    for (const { from, to, typeOnly } of arrows) if (from === file && !typeOnly) visit(to, [...path, file])
    done.add(file)
  }
  for (const file of files) visit(file, [])
  return found
}

describe('imports', () => {
  it('are seen: files, arrows, and the late ones', () => {
    expect(files.length).toBeGreaterThan(80)
    expect(arrows).toContainEqual({ from: 'src/main.ts', to: 'scripts/safe-test.ts', typeOnly: false })
    expect(arrows).toContainEqual({
      from: 'src/engines/registry.ts',
      to: 'src/engines/sqlite/engine.ts',
      typeOnly: false,
    })
    expect(arrows).toContainEqual({ from: 'src/guard.ts', to: 'src/effects/io.ts', typeOnly: true })
  })

  it('lead between files that have a room', () => {
    expect(files.filter((file) => placeOf(file) < 0)).toEqual([])
    expect(arrows.filter(({ to }) => !files.includes(to))).toEqual([])
  })

  it('never point backwards', () => {
    const between = arrows.filter(({ from, to }) => roomOf(from) !== roomOf(to))
    const backwards = between.filter(({ from, to }) => placeOf(to) >= placeOf(from))
    expect(backwards.map(({ from, to }) => `${from} → ${to}`)).toEqual([])
  })

  it('never go in circles', () => {
    expect(cycles()).toEqual([])
  })
})
