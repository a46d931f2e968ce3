/**
 * The text of a JSON object with one more entry in the list under `key`; everything else stays as it was written, and what is added
 * is written like it. The text must be valid JSON with an object in it, and the list a list.
 */
export function withListEntry(text: string, key: string, entry: string): string {
  const { members, open, close } = topLevel(text)
  const style = styleOf(text.slice(open, close + 1))
  const found = members.find((member) => member.key === key)
  if (found !== undefined) return inserted(text, listEnd(text, found), listInsertion(text, found, entry, style))
  const last = members.at(-1)
  const list = style.inline
    ? `[${JSON.stringify(entry)}]`
    : `[${style.line(2)}${JSON.stringify(entry)}${style.line(1)}]`
  const member = `${JSON.stringify(key)}: ${list}`
  if (last === undefined)
    return `${text.slice(0, open + 1)}${style.line(1)}${member}${style.line(0)}${text.slice(close)}`
  return inserted(text, last.end, style.inline ? `, ${member}` : `,${style.line(1)}${member}`)
}

type Member = { readonly key: string; readonly start: number; readonly end: number }

type TopLevel = { readonly members: readonly Member[]; readonly open: number; readonly close: number }

const token = /"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s{}[\],:"\uFEFF]+/g

function topLevel(text: string): TopLevel {
  const tokens = [...text.matchAll(token)].map((match) => ({
    text: match[0],
    start: match.index,
    end: match.index + match[0].length,
  }))
  const members: Member[] = []
  let depth = 0
  let key: string | undefined
  let start: number | undefined
  for (const [index, each] of tokens.entries()) {
    const before = tokens[index - 1]
    const ends = depth === 1 && (each.text === ',' || each.text === '}')
    if (ends && key !== undefined && start !== undefined && before !== undefined) {
      members.push({ key, start, end: before.end })
      key = start = undefined
    } else if (depth === 1 && each.text === ':' && before !== undefined) key = JSON.parse(before.text) as string
    else if (depth === 1 && key !== undefined) start ??= each.start
    if (each.text === '{' || each.text === '[') depth++
    if (each.text === '}' || each.text === ']') depth--
  }
  return { members, open: tokens[0]?.start ?? 0, close: tokens.at(-1)?.start ?? 0 }
}

type Style = { readonly inline: boolean; readonly line: (depth: number) => string }

function styleOf(object: string): Style {
  const lineEnd = object.includes('\r\n') ? '\r\n' : '\n'
  const indent = /\n([ \t]+)"/.exec(object)?.[1] ?? '  '
  const inline = !object.includes('\n') && object.includes(':')
  return { inline, line: (depth) => `${lineEnd}${indent.repeat(depth)}` }
}

function listEnd(text: string, { start, end }: Member): number {
  return start + text.slice(start, end - 1).trimEnd().length
}

function listInsertion(text: string, { start, end }: Member, entry: string, { line }: Style): string {
  const list = text.slice(start, end)
  const isEmpty = (JSON.parse(list) as unknown[]).length === 0
  const value = JSON.stringify(entry)
  if (list.includes('\n')) return `${isEmpty ? '' : ','}${line(2)}${value}`
  return isEmpty ? value : `, ${value}`
}

function inserted(text: string, at: number, addition: string): string {
  return text.slice(0, at) + addition + text.slice(at)
}
