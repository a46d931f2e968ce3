import { resolve } from 'node:path'
import { parse } from 'shell-quote'
import type { Environment } from '../effects/io.ts'
import { optional } from '../target/url.ts'

/** A simple command of a shell text, with the assignments in front of it in its environment. */
type ShellStep = {
  readonly words: readonly string[]
  readonly environment: Environment
  readonly cwd: string
  /** What `<` names. */
  readonly input?: string
}

/** The steps of a shell text, or why they cannot be read without running it. */
export type ShellReading = { readonly steps: readonly ShellStep[] } | { readonly opaque: string }

const separators = new Set(['&&', '||', ';', '&', '|', '|&', '\n'])
const redirections = new Set(['>', '>>', '<', '>&', '<&', '>|', '<>', '&>'])
const keywords = new Set(['if', 'for', 'while', 'until', 'case', 'function', '{', '[[', 'select', 'eval'])

type Token = ReturnType<typeof parse>[number]

// What a shell puts in beside plain variables: other commands' output, its own arguments, parts of variables.
const beyondVariables = /[`]|\$\(|<<|<\(|>\(|\$[\d@*#?$!-]|\$\{(?!\w+\})/

/** Reads a text as a POSIX shell would, as far as that is possible without running it: npm scripts, `sh -c`, make's recipes. */
export function readShellText(text: string, environment: Environment, cwd: string): ShellReading {
  if (beyondVariables.test(text)) return { opaque: `the shell puts in what only it knows: ${text}` }
  const lines = text.replace(/\\\n/g, ' ').split('\n')
  const state: State = { environment: { ...environment }, cwd, steps: [] }
  for (const line of lines) {
    const opaque = readLine(line, state)
    if (opaque !== undefined) return { opaque: `${opaque}: ${text}` }
  }
  return { steps: state.steps }
}

type State = { environment: Record<string, string | undefined>; cwd: string; readonly steps: ShellStep[] }

function readLine(line: string, state: State): string | undefined {
  let words: string[] = []
  let redirected: string | undefined
  let input: string | undefined
  const tokens = [...parse(line, (name) => `${mark}${name}${mark}`), { op: ';' } as Token]
  for (const token of tokens) {
    const text = textOf(token)
    if (text === undefined && !isOperator(token)) continue
    if (isOperator(token) && redirections.has(token.op)) {
      redirected = token.op
      // The number of 2>&1 is no word.
      if (/^\d$/.test(words.at(-1) ?? '')) words.pop()
      continue
    }
    if (isOperator(token) && separators.has(token.op)) {
      const opaque = takeStep({ words, input }, state)
      if (opaque !== undefined) return opaque
      words = []
      input = undefined
      continue
    }
    if (text === undefined) return 'it groups commands'
    if (redirected !== undefined && isEnvFile(text)) return 'it writes an env file'
    if (redirected === undefined) words.push(text)
    if (redirected === '<') input = text
    redirected = undefined
  }
  return undefined
}

// Variables are put in when their step is reached: an earlier one of the same line may have set them.
const mark = '\u0000'

function expanded(words: readonly string[], environment: Environment): readonly string[] {
  const pattern = new RegExp(`${mark}(\\w*)${mark}`, 'g')
  return words.flatMap((word) => {
    const text = word.replace(pattern, (_, name: string) => environment[name] ?? '')
    return text === '' && word !== '' ? [] : [text]
  })
}

type Operator = { readonly op: string }

function isOperator(token: Token): token is Operator & Token {
  return typeof token === 'object' && 'op' in token && token.op !== 'glob'
}

function textOf(token: Token): string | undefined {
  if (typeof token === 'string') return token
  return 'op' in token && token.op === 'glob' ? token.pattern : undefined
}

type Stated = { readonly words: readonly string[]; readonly input: string | undefined }

function takeStep({ words, input }: Stated, state: State): string | undefined {
  const stated = words[0] === '!' ? words.slice(1) : words
  const first = stated.findIndex((word) => !/^[A-Za-z_]\w*=/.test(word))
  const assigned = assignmentsOf(expanded(first < 0 ? stated : stated.slice(0, first), state.environment))
  const rest = expanded(first < 0 ? [] : stated.slice(first), state.environment)
  const [program, ...operands] = rest
  if (program === undefined) Object.assign(state.environment, assigned)
  else if (keywords.has(program) || /\s/.test(program)) return 'it is more than simple commands'
  else if (program === 'export')
    Object.assign(state.environment, assignmentsOf(operands.filter((word) => word.includes('='))))
  else if (program === 'unset') for (const name of operands) state.environment[name] = undefined
  else if (program === '.' || program === 'source') return 'it reads another script'
  else if (fileChangers.has(program) && operands.some(isEnvFile)) return 'it changes an env file'
  else if (program === 'cd') state.cwd = resolve(state.cwd, operands[0] ?? '')
  else {
    const [file] = input === undefined ? [] : expanded([input], state.environment)
    const environment = { ...state.environment, ...assigned }
    state.steps.push({ words: rest, environment, cwd: state.cwd, ...optional('input', file) })
  }
  return undefined
}

// `cp .env.ci .env && npm run migrate`: what the files say now is not what the command will read.
const fileChangers = new Set(['cp', 'mv', 'ln', 'rm', 'sed', 'tee', 'install', 'truncate', 'touch', 'envsubst'])

function isEnvFile(word: string): boolean {
  return /(?:^|\/)\.env(?:\.[\w.-]+)?$/.test(word)
}

/** `A=B` words as a record. */
export function assignmentsOf(words: readonly string[]): Record<string, string> {
  const pairs = words.map((word) => [word.slice(0, word.indexOf('=')), word.slice(word.indexOf('=') + 1)] as const)
  return Object.fromEntries(pairs.filter(([name]) => name !== ''))
}
