import { basename } from 'node:path'
import type { Environment } from './effects/io.ts'

/** Words as a POSIX shell would read them back: what we print can be pasted. */
export function shellWords(words: readonly string[]): string {
  return words.map(shellWord).join(' ')
}

function shellWord(word: string): string {
  if (/^[\w@%+=:,./-]+$/.test(word)) return word
  if (/[\x00-\x1f\x7f]/.test(word)) return `$'${word.replace(/[\\']/g, '\\$&').replace(/[\x00-\x1f\x7f]/g, asEscape)}'`
  return `'${word.replaceAll("'", "'\\''")}'`
}

function asEscape(character: string): string {
  return `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`
}

/**
 * A command for people, manifests and the journal: passwords in URLs, in `…PASSWORD=` assignments and in the usual options
 * are left out. What a program of its own takes for a password cannot be known here.
 */
export function shownCommand(words: readonly string[]): string {
  const forMysql = words.some((word) => /\b(?:mysql|mariadb)/i.test(word))
  return shellWords(words.map((word, index) => withoutSecret(word, words[index - 1], forMysql)))
}

const hidden = '***'
const secretName = String.raw`[\w-]*(?:PASSWORD|PASSWD|PASS|PWD|TOKEN|SECRET)`
const secretOption = new RegExp(`^(?!--(?:no|ask)-)--?${secretName}$`, 'i')
const wholeAssignment = new RegExp(`^(${secretName}=).+$`, 'is')
const shellValue = String.raw`(?:"[^"]*"|'[^']*'|[^\s&;'"]+)`
const innerAssignment = new RegExp(String.raw`([\s;&|?'"(](?:${secretName}=|--${secretName}\s+))${shellValue}`, 'gi')
const innerMysqlPassword = new RegExp(String.raw`(\s-p)(?!assword|asswd)${shellValue}`, 'g')

// A word may be a whole script: sh -c "cd app && mysql -psecret shop".
function withoutSecret(word: string, before: string | undefined, forMysql: boolean): string {
  if (before !== undefined && secretOption.test(before)) return hidden
  const shown = word
    .replace(/^(\S*:\/\/[^:/?#\s]*:).*@/s, `$1${hidden}@`)
    .replace(/(:\/\/[^:/?#\s]*:)[^\s]*@/g, `$1${hidden}@`)
    .replace(wholeAssignment, `$1${hidden}`)
    .replace(innerAssignment, `$1${hidden}`)
    .replace(forMysql ? /^-p(?!assword|asswd).+$/s : /^-p(?!\d+$|assword|asswd).+$/s, `-p${hidden}`)
  return forMysql ? shown.replace(innerMysqlPassword, `$1${hidden}`) : shown
}

/** How another of our commands is called by whoever called us as `calledAs`: beside it, by its name, or through npx. */
export function callFor(command: string, calledAs: string, environment: Environment): string {
  const folder = calledAs.slice(0, calledAs.length - basename(calledAs).length)
  if (basename(calledAs) === 'seatbelt') return `${shellWord(calledAs)} ${command}`
  const fromScript = folder === '' && environment['npm_lifecycle_event'] !== undefined
  return fromScript ? `npx ${command}` : shellWord(`${folder}${command}`)
}
