export type IniFile = ReadonlyMap<string, ReadonlyMap<string, string>>

/** An ini file as Python's configparser reads it: `=` or `:`, lines that go on indented, comments on lines of their own. */
export function parseIni(text: string): IniFile {
  const file = new Map<string, Map<string, string>>()
  let section = new Map<string, string>()
  let key: string | undefined
  for (const line of text.split(/\r?\n/)) {
    if (/^\s*([#;]|$)/.test(line)) continue
    const name = /^\[([^\]]+)\]/.exec(line)?.[1]
    const pair = /^([^\s=:][^=:]*?)\s*[=:]\s*(.*)$/.exec(line)
    if (name !== undefined) {
      section = file.get(name) ?? new Map()
      file.set(name, section)
      key = undefined
    } else if (/^\s/.test(line) && key !== undefined) section.set(key, `${section.get(key)}\n${line.trim()}`.trim())
    else if (pair?.[1] !== undefined) {
      key = pair[1]
      section.set(key, (pair[2] ?? '').trim())
    }
  }
  return file
}
