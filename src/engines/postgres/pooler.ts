import { exitCode, Failure } from '../../failure.ts'
import type { ServerTarget } from '../../target/target.ts'

/** Why a target looks like a transaction pooler (Neon's host, Supabase's port, Prisma's parameter), or nothing. */
export function poolerHint(target: ServerTarget): string | undefined {
  if (target.parameters['pgbouncer'] === 'true') return 'the URL says pgbouncer=true'
  if (/-pooler\./.test(target.host ?? '') || target.host?.endsWith('-pooler')) return `the host is named ${target.host}`
  if (target.port === 6543) return 'port 6543 is the usual one of a transaction pooler'
  return undefined
}

type Processes = {
  readonly handshake: number | undefined
  readonly answers: number
  /** The process that answers another connection of ours, asked while this one is idle. */
  readonly answersAnother: () => Promise<number | undefined>
}

/**
 * Throws where a transaction pooler stands between: it hands each transaction to any session, so locks, settings and
 * pg_dump do not hold. The proof is that another process answers than the handshake named, and that it is known for such
 * a pooler or answers two connections at once: one that hands out whole sessions does not.
 */
export async function refusePooler(target: ServerTarget, processes: Processes): Promise<void> {
  if (processes.handshake === processes.answers) return
  const hint = poolerHint(target)
  if (hint !== undefined) throw refusal(target, hint, 'set DIRECT_URL (beside DATABASE_URL)')
  if ((await processes.answersAnother()) !== processes.answers) return
  throw refusal(target, 'one session of the server answers two connections', 'set SEATBELT_DATABASE_URL')
}

function refusal(target: ServerTarget, hint: string, next: string): Failure {
  return new Failure(exitCode.cannotConnect, {
    what: 'this is a connection pooler: pg_dump needs a connection to the server itself',
    why: [hint, `read from ${target.source.label}`],
    next: [`${next} to the address of the server without its pooler`],
  })
}
