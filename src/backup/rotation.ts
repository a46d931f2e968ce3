/** What rotation looks at: one backup with a manifest. */
export type Kept = {
  readonly file: string
  readonly identity: string
  readonly createdAt: string
  readonly storedBytes: number
}

export type RotationPlan = {
  readonly keep: readonly Kept[]
  readonly remove: readonly Kept[]
}

/**
 * Which backups of one database stay: the newest `keep` of them, and whatever is protected. Other databases' backups are
 * neither counted nor touched, however alike their names are; files without a manifest are not here at all.
 */
export function planRotation(
  backups: readonly Kept[],
  rule: { readonly identity: string; readonly keep: number; readonly protect: readonly string[] },
): RotationPlan {
  const own = backups.filter((backup) => backup.identity === rule.identity).toSorted(newestFirst)
  const stays = (backup: Kept, index: number) => index < Math.max(rule.keep, 1) || rule.protect.includes(backup.file)
  return { keep: own.filter(stays), remove: own.filter((backup, index) => !stays(backup, index)) }
}

/** Newest first by the manifest's own time; within one instant the later name. */
export function newestFirst(one: Pick<Kept, 'createdAt' | 'file'>, other: Pick<Kept, 'createdAt' | 'file'>): number {
  const later = Date.parse(other.createdAt) - Date.parse(one.createdAt)
  return later !== 0 ? later : stem(other.file).localeCompare(stem(one.file), 'en', { numeric: true })
}

// `…-58-2` is later than `…-58`; with its ending, `…-58.sql` would sort behind it.
function stem(file: string): string {
  return file.replace(/\.(?:sql|sqlite)(?:\.zst|\.gz)?$/, '')
}
