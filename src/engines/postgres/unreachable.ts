import { exitCode, Failure, messageOf } from '../../failure.ts'
import type { ServerTarget } from '../../target/target.ts'
import { connectSeconds } from './connection.ts'
import { type Login, placeName } from './login.ts'

export type Unreachable = { readonly login: Login; readonly target: ServerTarget }

type Explanation = { readonly what: string; readonly next: readonly string[] }

/** The error of a connection that could not be made, for a person: what, why, next. */
export function unreachable(error: unknown, context: Unreachable): Failure {
  const { what, next } = explanationOf(errorFacts(error), context)
  return new Failure(
    exitCode.cannotConnect,
    { what, why: [messageOf(error).trim(), readFrom(context.target)], next },
    error,
  )
}

/** Node's code or the server's SQLSTATE, and the message; the first of several addresses speaks for all. */
type ErrorFacts = { readonly code: string; readonly message: string }

function errorFacts(error: unknown): ErrorFacts {
  const first = error instanceof AggregateError ? (error.errors[0] ?? error) : error
  return { code: String((first as { code?: unknown }).code ?? ''), message: messageOf(first) }
}

function readFrom(target: ServerTarget): string {
  return `connection settings from ${target.source.label}`
}

function explanationOf({ code, message }: ErrorFacts, { login, target }: Unreachable): Explanation {
  if (/\bopen '/.test(message)) return { what: `a certificate for ${placeName(login)} cannot be read`, next: tlsHints }
  const place = placeName(login)
  switch (code) {
    case '28P01':
      return { what: `${place} does not accept the password of user ${login.user}`, next: passwordHints(login, target) }
    case '28000':
      return { what: `${place} does not let user ${login.user} into database ${target.database}`, next: accessHints }
    case '42501':
      return {
        what: `user ${login.user} may not connect to database ${target.database} on ${place}`,
        next: accessHints,
      }
    case '57P03':
      return {
        what: `PostgreSQL on ${place} is starting up or shutting down`,
        next: ['wait a moment and run it again'],
      }
    case '53300':
      return { what: `PostgreSQL on ${place} has no connection left`, next: ['close other sessions and run it again'] }
    case 'ECONNREFUSED':
    case 'ENOENT':
      return {
        what: `no server answers on ${place}`,
        next: [`start PostgreSQL, or correct the host and port (${keys(target)})`],
      }
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
    case 'EAI_NODATA':
      return { what: `the host ${login.host} is not known`, next: [`correct the host name (${keys(target)})`] }
    default:
      return explanationOfMessage(message, login, target)
  }
}

function explanationOfMessage(message: string, login: Login, target: ServerTarget): Explanation {
  const place = placeName(login)
  if (/timeout|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH/i.test(message)) {
    return {
      what: `${place} did not answer as PostgreSQL within ${connectSeconds} seconds`,
      next: ['check the host and port, the firewall and the VPN'],
    }
  }
  if (/does not support SSL/i.test(message)) {
    return {
      what: `the server on ${place} has no TLS, but sslmode=${login.parameters['sslmode']} requires it`,
      next: tlsHints,
    }
  }
  if (
    /establishing an SSL|invalid response|terminated unexpectedly|ECONNRESET|socket|unexpected message/i.test(message)
  ) {
    return {
      what: `what answers on ${place} is not PostgreSQL, or closed the connection at once`,
      next: [`correct the port (${keys(target)}); PostgreSQL's own is 5432`],
    }
  }
  if (/certificate|self.signed|SSL|TLS|altname|no such file.*\.(crt|key|pem)/i.test(message)) {
    return { what: `no trusted TLS connection to ${place} could be made`, next: tlsHints }
  }
  if (/password must be a string|SASL|SCRAM/i.test(message)) {
    return { what: `${place} wants a password for user ${login.user}`, next: passwordHints(login, target) }
  }
  return { what: `cannot connect to PostgreSQL on ${place}`, next: ['run: inspect-database'] }
}

const accessHints = [
  'the server decides this in pg_hba.conf and by the CONNECT privilege: allow it there, or use another user',
]

const tlsHints = ['set sslmode to what the server offers, and sslrootcert to the certificate of its authority']

function keys(target: ServerTarget): string {
  return target.source.keys.join(', ') || target.source.label
}

function passwordHints(login: Login, target: ServerTarget): readonly string[] {
  if (login.password === undefined) return ['no password was found: set one, or add a line to ~/.pgpass (mode 0600)']
  const correct = `correct the password in ${target.source.label}`
  if (target.source.kind !== 'env-file') return [correct]
  return [
    correct,
    'an unquoted # ends a value in an env file, and an unquoted $ may be expanded: put it in single quotes',
  ]
}
