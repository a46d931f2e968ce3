import type { Values } from '../../environment/env-file.ts'

/** What stands for ERB that only Ruby can answer. */
export const askRuby = '__ask_ruby__'

/**
 * `config/database.yml` with its ERB put in where it only reads variables, as Rails' own templates and guides write it
 * ("Configuring a Database"); `askRuby` stands for the rest. Undefined when ERB steers what is in the file at all.
 */
export function renderErb(text: string, values: Values): string | undefined {
  const rendered = text
    .replace(/^\s*#.*$/gm, (line) => line.replace(/<%(?!%)[\s\S]*?%>/g, ''))
    .replace(/<%#[\s\S]*?%>/g, '')
    .replace(/<%=([\s\S]*?)-?%>/g, (_, code: string) => textFor(code, values))
  return /<%(?!%)/.test(rendered) ? undefined : rendered.replace(/<%%/g, '<%')
}

function textFor(code: string, values: Values): string {
  const value = read(code.trim(), values)
  return value === unread ? askRuby : (value ?? '')
}

const unread = Symbol('only Ruby can tell')
type Read = string | undefined | typeof unread

// ENV["X"], ENV.fetch("X"), ENV.fetch("X", "y"), ENV.fetch("X") { "y" }, a literal; joined by ||.
function read(code: string, values: Values): Read {
  const [first, second] = splitOr(code)
  const left = readTerm(first, values)
  return second === undefined || left === unread || left !== undefined ? left : read(second, values)
}

function splitOr(code: string): readonly [string, string?] {
  const match = /^((?:"[^"]*"|'[^']*'|\{[^}]*\}|[^"'{|])+?)\s*\|\|\s*([\s\S]+)$/.exec(code)
  return match?.[1] === undefined ? [code] : [match[1], match[2] ?? '']
}

function readTerm(term: string, values: Values): Read {
  const plain = term.trim().replace(/\.to_[is]$/, '')
  const literal = literalOf(plain)
  if (literal !== undefined) return literal
  const index = /^ENV\[\s*(["'])(\w+)\1\s*\](\.presence)?$/.exec(plain)
  if (index?.[2] !== undefined) return presence(values.get(index[2])?.value, index[3] !== undefined)
  const fetch =
    /^ENV\.fetch\(?\s*(["'])(\w+)\1\s*(?:,\s*([^)]*?)\s*)?\)?\s*(?:\{([^{}]*)\}|do\s+([\s\S]*?)\s+end)?$/.exec(plain)
  if (fetch?.[2] === undefined) return unread
  const given = values.get(fetch[2])?.value
  const standard = fetch[4] ?? fetch[5] ?? fetch[3]
  if (given !== undefined) return given
  return standard === undefined ? unread : read(standard.trim(), values)
}

function literalOf(code: string): string | undefined {
  if (/^\d+$/.test(code)) return code
  const match = /^"([^"\\#]*)"$|^'([^'\\]*)'$/.exec(code)
  return match?.[1] ?? match?.[2]
}

function presence(value: string | undefined, asked: boolean): string | undefined {
  return asked && value?.trim() === '' ? undefined : value
}
