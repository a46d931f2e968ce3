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
  return shellWords(words.map((word, index) => withoutSecret(word, words[index - 1])))
}

const hidden = '***'

function withoutSecret(word: string, before: string | undefined): string {
  if (before !== undefined && /^--?(?:password|passwd|pass|token|secret)$/i.test(before)) return hidden
  return word
    .replace(/(:\/\/[^:/?#\s]*:)[^\s]*@/g, `$1${hidden}@`)
    .replace(/^(-{0,2}[\w-]*(?:PASSWORD|PASSWD|PASS|PWD|TOKEN|SECRET)=).+$/is, `$1${hidden}`)
    .replace(/^-p(?=\S)(?!\d+$|assword|asswd).+$/, `-p${hidden}`)
}

/** How another of our commands is called by whoever called us as `calledAs`: beside it, by its name, or through npx. */
export function callFor(command: string, calledAs: string, environment: Environment): string {
  const folder = calledAs.slice(0, calledAs.length - basename(calledAs).length)
  if (basename(calledAs) === 'seatbelt') return `${shellWord(calledAs)} ${command}`
  const fromScript = folder === '' && environment['npm_lifecycle_event'] !== undefined
  return fromScript ? `npx ${command}` : shellWord(`${folder}${command}`)
}
