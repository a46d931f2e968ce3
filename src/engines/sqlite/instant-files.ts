import { open, readdir, rename, rm, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { readIfThere, writeSynced } from '../../effects/files.ts'
import type { InstantCopy } from '../engine.ts'
import { holderLines, holdersOf } from './holders.ts'
import { removeWithCompanions } from './scratch.ts'

/** What stands in the file beside a copy, `<copy>.json`. */
type Card = {
  readonly version: 1
  readonly createdAt: string
  /** Absent of what a swap put aside. */
  readonly backup?: string
  /** When the copy was last written to, in nanoseconds: who opens it and writes makes another database of it. */
  readonly modified?: string
}

/** Takes a name for a copy of `live` that nobody else has, `.shop.db.seatbelt-instant-20261121_031500`. */
export async function claimCopy(live: string, createdAt: Date, backup?: string): Promise<string> {
  const stamp = createdAt.toISOString().replace(/[-:]/g, '').replace('T', '_').slice(0, 15)
  for (let attempt = 1; ; attempt++) {
    const path = join(dirname(live), `${prefixOf(live)}${stamp}${attempt === 1 ? '' : `-${attempt}`}`)
    const card: Card = { version: 1, createdAt: createdAt.toISOString(), ...(backup === undefined ? {} : { backup }) }
    if (await writeNew(cardOf(path), cardText(card))) return path
  }
}

async function writeNew(path: string, text: string): Promise<boolean> {
  try {
    const file = await open(path, 'wx', 0o600)
    await file.writeFile(text).finally(() => file.close())
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
}

/** Notes that a copy is whole: from now on it is not to be written to. */
export async function sealCopy(path: string): Promise<InstantCopy> {
  const card = await readCard(path)
  if (card === undefined) throw new Error(`${cardOf(path)} is gone`)
  const { size, mtimeNs } = await stat(path, { bigint: true })
  // In one step: whoever is killed here leaves a copy with one card or the other.
  await writeSynced(waitingCardOf(path), cardText({ ...card, modified: String(mtimeNs) }))
  await rename(waitingCardOf(path), cardOf(path))
  return toCopy(path, card, size)
}

/** Why a copy cannot be used: it is gone, or somebody wrote to it. */
export async function unfitness(path: string): Promise<string | undefined> {
  const card = await readCard(path)
  const facts = await statOf(path)
  if (card === undefined || facts === undefined) return 'it is not there any more'
  const [holder] = holderLines(holdersOf(path) ?? [])
  if (holder !== undefined) return holder
  const beside = (await readdir(dirname(path))).filter((name) => /^-(wal|journal)$/.test(rest(name, basename(path))))
  if (beside.length > 0) return `a program left ${beside.join(' and ')} beside it`
  if (card.modified !== undefined && card.modified !== String(facts.mtimeNs)) return 'a program has written to it since'
  return undefined
}

function rest(name: string, beginning: string): string {
  return name.startsWith(beginning) ? name.slice(beginning.length) : ''
}

/** The copies of `live`, newest first. */
export async function listCopies(live: string): Promise<readonly InstantCopy[]> {
  const own = await statOf(live)
  const names = await namesIn(dirname(live))
  const paths = names.filter((name) => isCopyName(rest(name, prefixOf(live)))).map((name) => join(dirname(live), name))
  const copies = await Promise.all(paths.map(async (path) => copyAt(path, own?.ino)))
  return copies.flatMap((copy) => copy ?? []).sort((one, other) => (sortKey(one) < sortKey(other) ? 1 : -1))
}

function sortKey({ createdAt, name }: InstantCopy): string {
  return `${createdAt} ${name.length} ${name}`
}

// A second name of the live file itself is what a swap leaves that was killed halfway.
async function copyAt(path: string, liveInode: bigint | undefined): Promise<InstantCopy | undefined> {
  const [card, facts] = await Promise.all([readCard(path), statOf(path)])
  if (card === undefined || facts === undefined || facts.ino === liveInode) return undefined
  return toCopy(path, card, facts.size)
}

function toCopy(path: string, { version: _, modified: __, ...card }: Card, size: bigint): InstantCopy {
  return { name: path, ...card, sizeBytes: Number(size) }
}

export async function removeCopy(path: string): Promise<void> {
  await removeWithCompanions(path)
  await forgetCopy(path)
}

/** Forgets what is written beside a copy that took the live file's place. */
export async function forgetCopy(path: string): Promise<void> {
  await rm(waitingCardOf(path), { force: true })
  await rm(cardOf(path), { force: true })
}

function prefixOf(live: string): string {
  return `.${basename(live)}.seatbelt-instant-`
}

function isCopyName(stamp: string): boolean {
  return /^\d{8}_\d{6}(-\d+)?$/.test(stamp)
}

/** The file beside a copy that says what it is. */
export function cardOf(path: string): string {
  return `${path}.json`
}

function waitingCardOf(path: string): string {
  return `${cardOf(path)}.tmp`
}

function cardText(card: Card): string {
  return `${JSON.stringify(card)}\n`
}

async function readCard(path: string): Promise<Card | undefined> {
  try {
    const card = JSON.parse((await readIfThere(cardOf(path))) ?? 'null')
    return card?.version === 1 && !Number.isNaN(Date.parse(card.createdAt)) ? card : undefined
  } catch {
    return undefined
  }
}

async function statOf(path: string) {
  return stat(path, { bigint: true }).catch(() => undefined)
}

async function namesIn(folder: string): Promise<readonly string[]> {
  return readdir(folder).catch(() => [])
}
