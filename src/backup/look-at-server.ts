import type { Io } from '../effects/io.ts'
import { loadEngine } from '../engines/registry.ts'
import type { Guarded } from '../guard.ts'
import type { Candidate } from '../target/resolve.ts'

/** Looks at the server of a target for the guard, where it can be reached: a scratch database costs it room and time. */
export async function lookAtServer(io: Io, candidate: Candidate, guarded: Guarded): Promise<void> {
  const engine = await loadEngine(candidate.target.engine)
  const session = await engine.connect(io, candidate.target)
  if (session.state === 'nothing') return
  try {
    await guarded.lookAt(candidate, session)
  } finally {
    await session.close()
  }
}
