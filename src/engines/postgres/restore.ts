import type { Io } from '../../effects/io.ts'
import type { RestoreOutcome, RestoreRequest } from '../engine.ts'

export async function restoreDump(_io: Io, _request: RestoreRequest): Promise<RestoreOutcome> {
  throw new Error('not there yet')
}
