import { readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import type { Call } from './framework.ts'
import { shellText } from './launchers.ts'
import { optionsAnywhere } from './options-in-words.ts'
import { joined, type Launched } from './started.ts'

const valued = new Set(['-C', '--directory', '-f', '--file', '--makefile', '-o', '-W', '-I', '-l', '-O'])

/** Sees through `make target` where the recipe is plain commands; make itself is not run: even its dry run runs code. */
export async function throughMake(call: Call): Promise<Launched> {
  const { options, rest } = optionsAnywhere(call.words.slice(1), valued)
  const all = (names: readonly string[]) => names.flatMap((name) => options.get(name) ?? [])
  const cwd = all(['-C', '--directory']).reduce((folder, next) => resolve(folder, next), call.cwd)
  const text = await makefileIn(cwd, all(['-f', '--file', '--makefile']).at(-1))
  // The number may be a word of its own behind -j.
  const targets = rest.filter((word) => !/^\d+$/.test(word))
  if (text === undefined || targets.some((word) => word.includes('=')))
    return { opaque: 'make: the Makefile cannot be read through' }
  const recipe = recipeOf(text, targets, Object.keys(call.environment))
  if ('opaque' in recipe) return recipe
  const inside = { ...call, cwd, via: [...call.via, call.words.join(' ')], words: ['Makefile'] }
  // Each line has a shell of its own: no `cd` or `export` reaches the next.
  return joined(recipe.lines.map((line) => shellText(inside, line)))
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
function recipeOf(
  makefile: string,
  targets: readonly string[],
  exported: readonly string[] = [],
): { lines: readonly string[] } | { opaque: string } {
  const beyond = beyondRules(makefile, exported)
  if (beyond !== undefined) return { opaque: `make: the Makefile ${beyond}` }
  const rules = rulesOf(makefile)
  const wanted = targets.length > 0 ? targets : [...rules.keys()].filter((name) => !name.startsWith('.')).slice(0, 1)
  const order: string[] = []
  for (const target of wanted) visit(target, rules, order)
  const lines = order.flatMap((target) => rules.get(target)?.lines ?? [])
  if (order.some((target) => rules.get(target)?.needs.some((need) => /[$;]/.test(need))))
    return { opaque: 'make: what a target needs is computed' }
  if (lines.length === 0) return { opaque: `make: no recipe was found for ${wanted.join(' ')}` }
  if (lines.some((line) => line.replaceAll('$$', '').includes('$')))
    return { opaque: 'make: the recipe uses variables of make' }
  return { lines: lines.map((line) => line.replaceAll('$$', '$')) }
}

// A variable of the Makefile that is in make's own environment too is handed on with the Makefile's value (GNU make, 5.7.2).
function beyondRules(makefile: string, exported: readonly string[]): string | undefined {
  if (/^\s*-?s?include\s/m.test(makefile)) return 'includes other files'
  if (/^\s*(?:export\b|\.EXPORT_ALL_VARIABLES|\.ONESHELL)/m.test(makefile)) return 'sets the environment'
  if (/^\s*(?:if(?:n?eq|n?def)|define)\b/m.test(makefile)) return 'has conditions'
  if (/^[^\t#=]+:[^=\n]*[^:=\n]*=/m.test(makefile.replace(/^[^\n:]*::?=.*$/gm, '')))
    return 'has variables of single targets'
  const assigned = [...makefile.matchAll(/^(\w+)\s*(?::{0,3}|\?|\+|!)=/gm)].map((match) => match[1] ?? '')
  return assigned.some((name) => name !== 'SHELL' && exported.includes(name))
    ? 'sets a variable that is exported'
    : undefined
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
