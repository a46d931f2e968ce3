import { readFile } from 'node:fs/promises'
import { join } from 'node:path'

/** Whether a gem is loaded; `maybe` where Bundler alone could tell. */
export type Loads = 'yes' | 'no' | 'maybe'

export type Gems = { readonly gemfile: string | undefined; readonly lock: string | undefined }

export async function readGems(root: string): Promise<Gems> {
  const read = (name: string) => readFile(join(root, name), 'utf8').catch(() => undefined)
  return {
    gemfile: (await read('Gemfile')) ?? (await read('gems.rb')),
    lock: (await read('Gemfile.lock')) ?? (await read('gems.locked')),
  }
}

/**
 * Whether dotenv loads its files into the application: `dotenv-rails` does, `dotenv` itself since 3.0 (its README and
 * changelog); a gem of other groups than the environment's is not required (Bundler.require(*Rails.groups)).
 */
export function loadsDotenv({ gemfile, lock }: Gems, environment: string): Loads {
  const groups = groupsOf(gemfile ?? '', /^dotenv(-rails)?$/)
  if (gemfile === undefined) return /^ {4}dotenv-rails /m.test(lock ?? '') ? 'maybe' : 'no'
  const [gem] = groups
  if (gem === undefined)
    return /eval_gemfile|^gemspec/m.test(gemfile) && /^ {4}dotenv-rails /m.test(lock ?? '') ? 'maybe' : 'no'
  if (gem.groups.length > 0 && !gem.groups.includes('default') && !gem.groups.includes(environment)) return 'no'
  if (gem.name === 'dotenv-rails') return gem.required ? 'yes' : 'maybe'
  const version = Number(/^ {4}dotenv \((\d+)\./m.exec(lock ?? '')?.[1] ?? '0')
  return version >= 3 && gem.required ? 'yes' : 'maybe'
}

export function hasGem({ gemfile, lock }: Gems, name: string): boolean {
  return groupsOf(gemfile ?? '', new RegExp(`^${name}$`)).length > 0 || (lock ?? '').includes(`\n    ${name} (`)
}

type Gem = { readonly name: string; readonly groups: readonly string[]; readonly required: boolean }

function groupsOf(gemfile: string, wanted: RegExp): readonly Gem[] {
  const stack: (readonly string[])[] = []
  const gems: Gem[] = []
  for (const line of gemfile.split('\n').map((text) => text.replace(/#.*$/, '').trim())) {
    if (/\bdo\b(\s*\|[^|]*\|)?$/.test(line)) stack.push(/^group\b/.test(line) ? symbolsIn(line) : [])
    else if (line === 'end') stack.pop()
    const name = /^gem\s*\(?\s*["']([\w-]+)["']/.exec(line)?.[1]
    if (name === undefined || !wanted.test(name)) continue
    const inline = /groups?:\s*(\[[^\]]*\]|%i\[[^\]]*\]|:\w+)|:groups?\s*=>\s*(\[[^\]]*\]|:\w+)/.exec(line)
    const own = inline === null ? [] : symbolsIn(inline[1] ?? inline[2] ?? '')
    gems.push({ name, groups: [...stack.flat(), ...own], required: !/require:\s*false/.test(line) })
  }
  return gems
}

function symbolsIn(text: string): readonly string[] {
  const percent = /%i\[([^\]]*)\]/.exec(text)?.[1]
  if (percent !== undefined) return percent.trim().split(/\s+/)
  return [...text.matchAll(/:(\w+)|["'](\w+)["']/g)].map((match) => match[1] ?? match[2] ?? '')
}

/** Since 6.1 a DATABASE_URL keeps `db:create`, `db:drop` and their like from the test database. */
export function sparesTestDatabase({ lock }: Gems): boolean {
  const version = /^ {4}(?:rails|railties) \((\d+)\.(\d+)/m.exec(lock ?? '')
  if (version === null) return true
  return Number(version[1]) > 6 || (Number(version[1]) === 6 && Number(version[2]) >= 1)
}
