import type { Decision } from './decide.ts'
import type { Io } from './effects/io.ts'
import type { Terminal } from './effects/terminal.ts'
import type { ServerFacts, Session } from './engines/engine.ts'
import { loadEngine } from './engines/registry.ts'
import { Failure, type FailureText } from './failure.ts'
import type { Judged } from './guard.ts'
import { type Evidence, evidenceText, type Surroundings, toldOnce } from './target/production.ts'
import { serverEvidence, serverText, tunnelText } from './target/server-identity.ts'
import { type Target, type TargetSource, urlOf } from './target/target.ts'

/** One target as `inspect-database --json` prints it. */
export type InspectedTarget = {
  readonly url: string
  readonly engine: Target['engine']
  readonly host?: string
  readonly port?: number
  readonly socket?: string
  readonly database: string
  readonly user?: string
  readonly source: { readonly file?: string; readonly keys: readonly string[] } & Pick<
    TargetSource,
    'kind' | 'label' | 'labels'
  >
  readonly reason: string
  readonly production: { readonly verdict: boolean; readonly evidence: readonly Evidence[] }
  readonly server: InspectedServer
  /** That a local host leads to another machine. */
  readonly tunnel?: string
  readonly client?:
    | { readonly dump: string; readonly path: string; readonly version: string; readonly lacks?: string }
    | { readonly problem: FailureText }
}

type InspectedServer =
  | ({ readonly reachable: true } & ServerFacts)
  | { readonly reachable: true; readonly nothing: string }
  | { readonly reachable: false; readonly problem: FailureText }

/** Looks at every candidate: does it answer, what is there, which client tool would dump it. Read-only. */
export async function inspectTargets(io: Io, decision: Decision): Promise<readonly InspectedTarget[]> {
  return Promise.all(decision.judged.map((one) => inspectOne(io, one, decision.surroundings)))
}

async function inspectOne(
  io: Io,
  { candidate, evidence: known }: Judged,
  around: Surroundings,
): Promise<InspectedTarget> {
  const { target, reason } = candidate
  const reached = await reach(io, target)
  const evidence = toldOnce([...known, ...evidenceIn(reached.server, target, around)])
  const tunnel = tunnelIn(reached.server, target, around)
  const { source, password: _, parameters: __, ...place } = target.engine === 'sqlite' ? withoutServer(target) : target
  const file = source.kind === 'env-file' ? { file: source.label } : {}
  return {
    url: urlOf(target),
    ...place,
    source: { ...file, ...source },
    reason,
    production: { verdict: evidence.length > 0, evidence },
    ...reached,
    ...(tunnel === undefined ? {} : { tunnel }),
  }
}

function evidenceIn(server: InspectedServer, target: Target, { patterns }: Surroundings): readonly Evidence[] {
  return 'version' in server ? serverEvidence(target, server, patterns) : []
}

function tunnelIn(server: InspectedServer, target: Target, { machine }: Surroundings): string | undefined {
  return 'version' in server ? tunnelText(target, server, machine) : undefined
}

function withoutServer(target: Extract<Target, { engine: 'sqlite' }>) {
  return { ...target, password: undefined, parameters: undefined }
}

type Reached = Pick<InspectedTarget, 'server' | 'client'>

async function reach(io: Io, target: Target): Promise<Reached> {
  try {
    const engine = await loadEngine(target.engine)
    const session = await engine.connect(io, target)
    if (session.state === 'nothing') return { server: { reachable: true, nothing: session.reason } }
    return await describeSession(io, session)
  } catch (error) {
    io.signal.throwIfAborted()
    if (!(error instanceof Failure)) throw error
    return { server: { reachable: false, problem: error.text } }
  }
}

async function describeSession(io: Io, session: Session): Promise<Reached> {
  try {
    return { server: { reachable: true, ...session.server }, ...(await clientOf(io, session)) }
  } finally {
    await session.close()
  }
}

async function clientOf(io: Io, session: Session): Promise<Pick<Reached, 'client'>> {
  try {
    const client = await session.client()
    if (client === undefined) return {}
    const { name, ...rest } = client
    return { client: { dump: name, ...rest } }
  } catch (error) {
    io.signal.throwIfAborted()
    if (!(error instanceof Failure)) throw error
    return { client: { problem: error.text } }
  }
}

/** The same for a person. */
export function inspectionText(
  terminal: Terminal,
  targets: readonly InspectedTarget[],
  certain: boolean,
  notes: readonly string[],
): string {
  const verdict = certain
    ? []
    : ['Not certain: each of these may be the one, so each would be guarded and backed up.', '']
  const blocks = targets.map((target) => blockOf(terminal, target).join('\n'))
  return [...verdict, blocks.join('\n\n'), ...notes.map((note) => `note        ${note}`)].join('\n')
}

function blockOf(terminal: Terminal, target: InspectedTarget): readonly string[] {
  const { evidence } = target.production
  const looks = evidence.length === 0 ? 'nothing says so' : terminal.style('red', evidence.map(evidenceText).join('; '))
  return [
    terminal.style('bold', target.url),
    `  read from   ${target.source.label} (${target.source.keys.join(', ')})`,
    `  because     ${target.reason}`,
    `  production  ${looks}`,
    `  server      ${shownServer(target)}`,
    ...(target.tunnel === undefined ? [] : [`              ${target.tunnel}`]),
    ...(target.client === undefined ? [] : [`  client      ${clientText(target.client)}`]),
  ]
}

function shownServer({ server, database }: InspectedTarget): string {
  if (!server.reachable) return [server.problem.what, ...(server.problem.next ?? [])].join('\n              ')
  if ('nothing' in server) return server.nothing
  return serverText(server, database)
}

function clientText(client: NonNullable<InspectedTarget['client']>): string {
  if ('problem' in client) return [client.problem.what, ...(client.problem.next ?? [])].join('\n              ')
  const lacks = client.lacks === undefined ? [] : [client.lacks]
  return [`${client.dump} ${client.version} (${client.path})`, ...lacks].join('\n              ')
}
