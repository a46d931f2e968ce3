import { expect, test } from 'vitest'
import { readShellText } from '../../src/frameworks/shell-text.ts'

const environment = { HOST: 'h', NAME: 'test', TWO: 'a b' }

function read(text: string): string {
  const reading = readShellText(text, environment, '/app')
  if ('opaque' in reading) return `? ${reading.opaque.slice(0, reading.opaque.indexOf(':'))}`
  return reading.steps.map(({ words, environment: own, cwd }) => stepText(words, own, cwd)).join(' | ')
}

function stepText(words: readonly string[], own: Readonly<Record<string, string | undefined>>, cwd: string): string {
  const names = [...new Set([...Object.keys(own), ...Object.keys(environment)])]
  const changed = names.filter((name) => own[name] !== (environment as Record<string, string>)[name])
  const assigned = changed.map((name) => (own[name] === undefined ? `-${name}` : `${name}=${own[name]}`))
  return [...(cwd === '/app' ? [] : [`${cwd}:`]), ...assigned, ...words].join(' ')
}

test.each([
  ['x y', 'x y'],
  ['A=1 B="2 3" x', 'A=1 B=2 3 x'],
  ['A=1 x && y', 'A=1 x | y'],
  ['export A=1; x || y', 'A=1 x | A=1 y'],
  ['A=1\nx', 'A=1 x'],
  ['unset HOST && x', '-HOST x'],
  ['cd sub && x', '/app/sub: x'],
  ['x | tee log', 'x | tee log'],
  ['x > log 2>&1 & y', 'x | y'],
  ['x 2>/dev/null', 'x'],
  ['! x', 'x'],
  ['x \'$HOST\' "a && b"', 'x $HOST a && b'],
  ['x $HOST/${NAME}', 'x h/test'],
  // Set on the line itself, before it is used.
  ['export NAME=prod && dotenv -e .env.$NAME x', 'NAME=prod dotenv -e .env.prod x'],
  ['x $UNSET y', 'x y'],
  ['x # a comment', 'x'],
  ['x \\\n  y', 'x y'],
  ['x *.sql', 'x *.sql'],
  ['cp a b && x', 'cp a b | x'],
  ['$TWO c', '? it is more than simple commands'],
  ['x ${A:-b}', '? the shell puts in what only it knows'],
  ['x $(cat y)', '? the shell puts in what only it knows'],
  ['x `y`', '? the shell puts in what only it knows'],
  ['x "$@"', '? the shell puts in what only it knows'],
  ['(x)', '? it groups commands'],
  ['{ x; }', '? it is more than simple commands'],
  ['if x; then y; fi', '? it is more than simple commands'],
  ['. ./env.sh && x', '? it reads another script'],
  ['source .env; x', '? it reads another script'],
  ['eval x', '? it is more than simple commands'],
  ['cp .env.ci .env && x', '? it changes an env file'],
  ['echo A=1 > .env && x', '? it writes an env file'],
  ['sed -i s/a/b/ config/.env.testing; x', '? it changes an env file'],
])('%s → %s', (text, expected) => {
  expect(read(text)).toBe(expected)
})
