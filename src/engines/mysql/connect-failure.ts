import { exitCode, Failure } from '../../failure.ts'
import { type ServerTarget, urlOf } from '../../target/target.ts'
import { errorName, errorNumber, errorSentence, isTlsError, SilentServer } from './connection.ts'
import { type Route, routeText } from './route.ts'

/** What kept us out, in a person's words; always a `Failure` 11. */
export function connectFailure(target: ServerTarget, route: Route, error: unknown): Failure {
  const place = routeText(route)
  const said = redacted(errorSentence(error), target)
  const text = reasonOf(target, place, error)
  return new Failure(
    exitCode.cannotConnect,
    { what: text.what, why: [said, `target: ${urlOf(target)}`], next: text.next },
    error,
  )
}

type Reason = { readonly what: string; readonly next: readonly string[] }

const namesUnknown = ['ENOTFOUND', 'EAI_AGAIN', 'EAI_NONAME', 'ENODATA', 'EAI_FAIL', 'ESERVFAIL']
const nobodyThere = ['ECONNREFUSED', 'ENOENT', 'EHOSTUNREACH', 'ENETUNREACH', 'EACCES', 'EPERM']

function reasonOf(target: ServerTarget, place: string, error: unknown): Reason {
  const number = errorNumber(error)
  const name = errorName(error)
  if (number === 1045 || number === 1698) return wrongPassword(target, place)
  if (number === 1044) return noRight(target, place)
  if (isTlsError(error)) return noTls(place)
  if (namesUnknown.includes(name)) return unknownHost(place)
  if (nobodyThere.includes(name) || name === 'FailedToOpenSocket') return serverDown(place)
  if (number >= 1000 && number < 6000) return { what: `The MySQL server at ${place} refused the connection`, next: [] }
  return noServer(target, place, error)
}

function wrongPassword(target: ServerTarget, place: string): Reason {
  const keys = target.source.keys.length === 0 ? '' : ` (${target.source.label}: ${target.source.keys.join(', ')})`
  return {
    what: `${target.user === undefined ? 'The user' : `User ${target.user}`} was refused by the MySQL server at ${place}: wrong user or password`,
    next: [
      `check the user and the password${keys}`,
      'in an env file put a password with # or $ between single quotes: programs read it differently without them',
    ],
  }
}

function noRight(target: ServerTarget, place: string): Reason {
  return {
    what: `User ${target.user ?? ''} may not use database ${target.database} at ${place}, or it does not exist`,
    next: [`as an administrator: CREATE DATABASE or GRANT … ON it for ${target.user ?? 'the user'}`],
  }
}

function noTls(place: string): Reason {
  return {
    what: `No encrypted connection to the MySQL server at ${place} could be made as the target asks for it`,
    next: ['check sslmode, sslrootcert (ssl-ca), sslcert and sslkey of the target'],
  }
}

function unknownHost(place: string): Reason {
  return {
    what: `The host of ${place} is not known`,
    next: [
      "check the host's name; a container's name is known only inside its network: from outside use 127.0.0.1 and the published port",
    ],
  }
}

function serverDown(place: string): Reason {
  return {
    what: `No MySQL server answers at ${place}`,
    next: ['start the server, or correct the host, the port or the socket'],
  }
}

function noServer(target: ServerTarget, place: string, error: unknown): Reason {
  const silent = error instanceof SilentServer || /timeout|timed out/i.test(errorSentence(error))
  const how = silent ? 'did not answer as a MySQL server within 10 seconds' : 'does not speak as a MySQL server does'
  return {
    what: `What listens at ${place} ${how}`,
    next: [`check that port ${target.port} is the MySQL server's, and that no firewall stands between`],
  }
}

/** A text of the server or of a tool, without the password. */
export function redacted(text: string, target: ServerTarget): string {
  const password = target.password?.reveal() ?? ''
  return password.length < 3 ? text : text.replaceAll(password, '**redacted**')
}
