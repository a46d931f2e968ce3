/** A name between backticks, as both flavours read it in every sql_mode. */
export function quoteName(name: string): string {
  return `\`${name.replaceAll('`', '``')}\``
}

/** The name as our lists show it: bare where SQL takes it bare, between backticks else. */
export function labelOf(name: string): string {
  return /^[A-Za-z_$][\w$]*$/.test(name) ? name : quoteName(name)
}

export function qualified(database: string, name: string): string {
  return `${quoteName(database)}.${quoteName(name)}`
}

/** The name behind a label, a quoted or a bare word of a dump. */
export function unquoteName(word: string): string {
  const quote = word[0]
  if (quote !== '`' && quote !== '"') return word
  return word.slice(1, -1).replaceAll(quote + quote, quote)
}

/** An account such as `app`@`%`, from `CURRENT_USER()`. */
export function accountOf(currentUser: string): string {
  const at = currentUser.lastIndexOf('@')
  return at === -1
    ? quoteName(currentUser)
    : `${quoteName(currentUser.slice(0, at))}@${quoteName(currentUser.slice(at + 1))}`
}

// The server's limit for identifiers and for GET_LOCK, in characters.
export const longestName = 64

/** A database beside the live one; `role` tells the scratch database from the one that holds the old tables. */
export function besideName(live: string, id: string, role: 'new' | 'old'): string {
  const suffix = `_seatbelt_${id}_${role}`
  return `${Array.from(live)
    .slice(0, longestName - suffix.length)
    .join('')}${suffix}`
}

const ownName = /^(.*)_seatbelt_[0-9a-f]{8}_(?:new|old)$/s

/** Whether a database's name is one that `besideName` gives out. */
export function isOwnDatabase(name: string): boolean {
  return ownName.test(name)
}

/** Whether a database's name is one that `besideName` gives out for this live database. */
export function isBeside(live: string, name: string): boolean {
  const match = ownName.exec(name)
  const prefix = match?.[1]
  return (
    prefix !== undefined &&
    prefix !== '' &&
    (live === prefix || (live.startsWith(prefix) && name.length >= longestName))
  )
}
