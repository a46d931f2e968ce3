import { readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import type { Call } from './framework.ts'
import { type Launched, shellText } from './launchers.ts'
import { leadingOptions } from './options-in-words.ts'

const valued = new Set(['-C', '--directory', '-f', '--file', '--makefile', '-j', '-o', '-W', '-I'])

/** Sees through `make target` where the recipe is plain commands; make itself is not run: even its dry run runs code. */
export async function throughMake(call: Call): Promise<Launched> {
  const { options, rest } = leadingOptions(call.words.slice(1), valued)
  const cwd = resolve(call.cwd, [...(options.get('-C') ?? []), ...(options.get('--directory') ?? [])].join('/'))
  const text = await makefileIn(cwd, options.get('-f')?.at(-1) ?? options.get('--file')?.at(-1))
  const targets = rest.filter((word) => !word.includes('='))
  if (text === undefined || rest.length !== targets.length)
    return { opaque: 'make: the Makefile cannot be read through' }
  const recipe = recipeOf(text, targets)
  if ('opaque' in recipe) return recipe
  return shellText(
    { ...call, cwd, via: [...call.via, call.words.join(' ')], words: ['Makefile'] },
    recipe.lines.join('\n'),
  )
}

async function makefileIn(cwd: string, named: string | undefined): Promise<string | undefined> {
  for (const name of named === undefined ? ['GNUmakefile', 'makefile', 'Makefile'] : [named]) {
    const text = await readFile(join(cwd, name), 'utf8').catch(() => undefined)
    if (text !== undefined) return text
  }
  return undefined
}

type Rules = ReadonlyMap<string, { readonly needs: readonly string[]; readonly lines: readonly string[] }>

/** The command lines that the targets run, with those that they need first. */
export function recipeOf(
  makefile: string,
  targets: readonly string[],
): { lines: readonly string[] } | { opaque: string } {
  const rules = rulesOf(makefile)
  const wanted = targets.length > 0 ? targets : [...rules.keys()].filter((name) => !name.startsWith('.')).slice(0, 1)
  const order: string[] = []
  for (const target of wanted) visit(target, rules, order)
  const lines = order.flatMap((target) => rules.get(target)?.lines ?? [])
  if (lines.length === 0) return { opaque: `make: no recipe was found for ${wanted.join(' ')}` }
  if (lines.some((line) => line.replaceAll('$$', '').includes('$')))
    return { opaque: 'make: the recipe uses variables of make' }
  return { lines: lines.map((line) => line.replaceAll('$$', '$')) }
}

function visit(target: string, rules: Rules, order: string[]): void {
  if (order.includes(target)) return
  const rule = rules.get(target)
  if (rule === undefined) return
  for (const need of rule.needs) if (need !== target) visit(need, rules, order)
  order.push(target)
}

function rulesOf(makefile: string): Rules {
  const rules = new Map<string, { needs: string[]; lines: string[] }>()
  let current: { needs: string[]; lines: string[] }[] = []
  for (const line of makefile.replace(/\\\n\s*/g, ' ').split('\n')) {
    if (line.startsWith('\t')) for (const rule of current) rule.lines.push(line.trim().replace(/^[@+-]+/, ''))
    else if (/^[^\s#:=][^:=]*:(?!=)/.test(line)) current = begin(line, rules)
  }
  return rules
}

function begin(
  line: string,
  rules: Map<string, { needs: string[]; lines: string[] }>,
): { needs: string[]; lines: string[] }[] {
  const [names = '', needs = ''] = line.replace(/#.*$/, '').split(/::?/)
  return names
    .trim()
    .split(/\s+/)
    .map((name) => {
      const rule = rules.get(name) ?? { needs: [], lines: [] }
      rule.needs.push(
        ...needs
          .trim()
          .split(/\s+/)
          .filter((need) => need !== '' && need !== '|'),
      )
      rules.set(name, rule)
      return rule
    })
}
