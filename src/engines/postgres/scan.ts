import type { BackupContent, Finding } from '../engine.ts'

export async function scanDump(_content: BackupContent): Promise<readonly Finding[]> {
  throw new Error('not there yet')
}
