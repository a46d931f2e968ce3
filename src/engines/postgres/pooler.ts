import { exitCode, Failure } from '../../failure.ts'
import type { ServerTarget } from '../../target/target.ts'

/** Why a target looks like a transaction pooler (Neon's host, Supabase's port, Prisma's parameter), or nothing. */
export function poolerHint(target: ServerTarget): string | undefined {
  if (target.parameters['pgbouncer'] === 'true') return 'the URL says pgbouncer=true'
  if (/-pooler\./.test(target.host ?? '') || target.host?.endsWith('-pooler')) return `the host is named ${target.host}`
  if (target.port === 6543) return 'port 6543 is the usual one of a transaction pooler'
  return undefined
}

/**
 * Throws where a transaction pooler stands between: it hands each transaction to any session, so locks, settings and
 * pg_dump do not hold. The proof is that another process answers than the handshake named.
 */
export function refusePooler(
  target: ServerTarget,
  processes: { handshake: number | undefined; answers: number },
): void {
  const hint = poolerHint(target)
  if (hint === undefined || processes.handshake === processes.answers) return
  throw new Failure(exitCode.cannotConnect, {
    what: 'this is a connection pooler: pg_dump needs a connection to the server itself',
    why: [hint, `read from ${target.source.label}`],
    next: ['set DIRECT_URL (beside DATABASE_URL) to the address of the server without its pooler'],
  })
}
