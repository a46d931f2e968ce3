import type { Io } from '../../effects/io.ts'
import { answerMarker, askProgram } from '../ask.ts'
import type { Call } from '../framework.ts'
import { interpreterOf } from '../python/interpreter.ts'

/** A database that env.py went to. */
export type Reached = {
  /** SQLAlchemy's name of the dialect and of the driver: `postgresql`, `psycopg2`. */
  readonly dialect: string
  readonly driver: string
  readonly host: string | null
  readonly port: number | null
  readonly database: string | null
  readonly user: string | null
  readonly password: string | null
  readonly query: Readonly<Record<string, unknown>>
  /** A `creator` function of the project opens the connection: where it goes is not in the URL. */
  readonly own: boolean
}

export type Answer = { readonly reached: readonly Reached[]; readonly problem: string | null }

// Alembic reads its own arguments and files, up to CommandLine.run_cmd; then env.py is run as the command would run it, with
// engines that never connect: what they would have been given is written down, and neither a migration nor SQL is run.
const script = String.raw`
import json, os, sys
from contextlib import contextmanager
from unittest.mock import MagicMock
marker, arguments = sys.argv[1], sys.argv[2:]
sys.argv = ["alembic"] + arguments
reached, engines = [], []

import sqlalchemy
from sqlalchemy.engine import Engine
from sqlalchemy.engine.default import DefaultDialect
from alembic import config as alembic_config
from alembic.runtime.environment import EnvironmentContext
from alembic.script import ScriptDirectory

class Given(BaseException):
    def __init__(self, positional, named):
        self.positional, self.named = positional, named

def given(dialect, *positional, **named):
    raise Given(positional, named)

DefaultDialect.connect = given

def note(url, dialect, named, own):
    def first(value, *names):
        found = [named[name] for name in names if named.get(name) not in (None, "")]
        return found[0] if found else value
    query = {**dict(url.query), **{k: v for k, v in named.items() if k.startswith("ssl") or k in ("options", "service", "unix_socket")}}
    port = first(url.port, "port")
    reached.append({"dialect": dialect.name, "driver": str(dialect.driver), "host": first(url.host, "host"),
        "port": None if port is None else int(port), "database": first(url.database, "dbname", "database", "db"),
        "user": first(url.username, "user"), "password": first(None if url.password is None else str(url.password), "password", "passwd"),
        "query": query, "own": own})

def write_down(engine):
    if any(engine is other for other in engines):
        return
    engines.append(engine)
    creator = getattr(engine.pool, "_creator", None)
    own = not str(getattr(creator, "__module__", "")).startswith("sqlalchemy")
    named = {}
    if not own:
        try:
            engine.pool._invoke_creator(None)
        except Given as found:
            named = found.named
        except Exception:
            pass
    note(engine.url, engine.dialect, named, own)

def connection_of(engine):
    connection = MagicMock(name="connection")
    connection.engine, connection.dialect = engine, engine.dialect
    connection.__enter__.return_value = connection
    connection.connect.return_value = connection
    connection.execution_options.return_value = connection
    return connection

def connect(engine, *positional, **named):
    write_down(engine)
    return connection_of(engine)

@contextmanager
def begin(engine, *positional, **named):
    write_down(engine)
    yield connection_of(engine)

for kind in [Engine] + Engine.__subclasses__() + [sub for one in Engine.__subclasses__() for sub in one.__subclasses__()]:
    kind.connect = kind.raw_connection = kind._contextual_connect = kind.contextual_connect = connect
    kind.begin = begin

def configure(context, connection=None, url=None, **named):
    if url is not None and connection is None:
        made = sqlalchemy.engine.make_url(url)
        note(made, made.get_dialect()(), {}, False)

@contextmanager
def transaction(context):
    yield MagicMock(name="transaction")

EnvironmentContext.configure = configure
EnvironmentContext.begin_transaction = transaction
EnvironmentContext.run_migrations = lambda context, **named: None
EnvironmentContext.execute = lambda context, *positional, **named: None
EnvironmentContext.get_bind = lambda context: MagicMock(name="connection")
EnvironmentContext.get_context = lambda context: MagicMock(name="context")

def answer(problem):
    sys.stdout.write("\n" + marker + json.dumps({"reached": reached, "problem": problem}, default=str) + "\n")
    sys.stdout.flush()
    os._exit(0)

def run_cmd(line, config, options):
    problem = None
    try:
        scripts = ScriptDirectory.from_config(config)
        with EnvironmentContext(config, scripts, fn=lambda revision, context: [], as_sql=False, destination_rev="head", tag=getattr(options, "tag", None)):
            scripts.run_env()
    except BaseException as error:
        problem = "%s: %s" % (type(error).__name__, str(error).split("\n")[0])
    answer(problem)

alembic_config.CommandLine.run_cmd = run_cmd
alembic_config.main(argv=arguments)
`

/** The databases that env.py goes to, or why they cannot be had. */
export async function askEnvironment(io: Io, call: Call): Promise<Answer | { readonly problem: string }> {
  const { program, before } = interpreterOf(call)
  const args = [...before, '-B', '-c', script, answerMarker, ...call.words.slice(1)]
  const answer = await askProgram(io, call, program, args)
  return 'problem' in answer ? answer : (answer.value as Answer)
}
