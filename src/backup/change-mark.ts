import { isDeepStrictEqual } from 'node:util'
import type { ChangeMark, Session } from '../engines/engine.ts'

/** The server's mark of now; undefined where it has none, or does not tell: never a reason to fail. */
export async function readMark(session: Session, earlier?: ChangeMark['values']): Promise<ChangeMark | undefined> {
  return session.changeMark?.(earlier).catch(() => undefined)
}

/** Whether the mark of now proves that nothing was changed since the earlier one was read. */
export function provesUnchanged(earlier: ChangeMark['values'] | undefined, now: ChangeMark | undefined): boolean {
  if (earlier === undefined || now === undefined || now.unsettled !== undefined) return false
  return Object.keys(earlier).length > 0 && isDeepStrictEqual({ ...earlier }, { ...now.values })
}
