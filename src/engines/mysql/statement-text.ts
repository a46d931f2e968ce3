// A statement as text of one character a byte: whatever charset it is in, what is not touched stays to the byte.
const name = String.raw`(?:\`(?:[^\`]|\`\`)*\`|"(?:[^"]|"")*"|'(?:[^']|'')*'|[^\s\`".*(/;@]+)`
const gap = String.raw`(?:\s|/\*M?!?\d*|\*/)`

const triggerName = new RegExp(String.raw`(\bTRIGGER${gap}+(?:IF\s+NOT\s+EXISTS\s+)?)${name}\s*\.\s*(?=${name})`, 'i')
const triggerTable = new RegExp(String.raw`(\b(?:INSERT|UPDATE|DELETE)\s+ON\s+)${name}\s*\.\s*(?=${name})`, 'i')
const definer = new RegExp(String.raw`\bDEFINER\s*=\s*(${name}(?:@${name})?)`, 'i')
const eventStatus = /(\bON COMPLETION (?:NOT )?PRESERVE )ENABLE\b/i

/** A trigger without the database that its author named: it could only be that of its table. */
export function withoutDatabase(text: string): string {
  return text.replace(triggerName, '$1').replace(triggerTable, '$1')
}

/** Created by whoever runs it. */
export function withoutDefiner(text: string): string {
  return text.replace(definer, '')
}

export function definerOf(text: string): string | undefined {
  return definer.exec(text)?.[1]
}

/** An event that does not fire where it is only stored for a while. */
export function asleep(text: string): string {
  return text.replace(eventStatus, '$1DISABLE')
}

export function awake(text: string): string {
  return text.replace(/(\bON COMPLETION (?:NOT )?PRESERVE )DISABLE\b/i, '$1ENABLE')
}

export function isEnabledEvent(text: string): boolean {
  return eventStatus.test(text)
}

/**
 * MySQL keeps the semicolon behind a trigger or an event that another statement followed in the same query; mysqldump
 * writes it inside of its comment, which it then ends too early: the server cannot read the rest.
 */
export function withoutInnerEnd(text: string): string {
  return text.replace(/^\s*\/\*!/.test(text) ? /;(\s*\*\/\s*;;\s*)$/ : /;(\s*;;\s*)$/, '$1')
}

/** `ALTER DATABASE` of the database that is in use, whatever the dump called it. */
export function ofPresentDatabase(text: string): string {
  return text.replace(
    new RegExp(String.raw`(\bALTER\s+(?:DATABASE|SCHEMA)\s+)${name}\s+(?=CHARACTER|COLLATE|DEFAULT)`, 'i'),
    '$1',
  )
}
