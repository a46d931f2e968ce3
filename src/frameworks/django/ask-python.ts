import type { Io } from '../../effects/io.ts'
import { answerMarker, askProgram } from '../ask.ts'
import type { Call } from '../framework.ts'
import { interpreterOf } from '../python/interpreter.ts'

/** One of `DATABASES` as Django completes it; `test` is what a test run uses in its place. */
export type Database = {
  readonly alias: string
  readonly vendor: string
  readonly name: string | null
  readonly user: string
  readonly password: string
  readonly host: string
  readonly port: string
  readonly options: Readonly<Record<string, unknown>>
  readonly test: string | null
  readonly mirror: string | null
}

export type Databases = {
  readonly settings: string
  readonly databases: readonly Database[]
  /** A test runner that sets up its databases in a way of its own. */
  readonly ownRunner: string | null
  readonly pytestDjango: boolean
}

// Runs manage.py up to the point where Django would look for the command (ManagementUtility.execute), and no further; the
// settings are the ones that the command imports before anything else. No connection is opened.
const script = String.raw`
import json, os, sys, runpy
marker, kind, script, arguments = sys.argv[1], sys.argv[2], sys.argv[3], sys.argv[4:]

def text(value):
    return "" if value is None else str(value)

def one(alias):
    from django.db import connections
    connection = connections[alias]
    found = connection.settings_dict
    test = found.get("TEST") or {}
    try:
        name = connection.creation._get_test_db_name()
    except Exception:
        name = test.get("NAME") or "test_" + text(found["NAME"])
    return {"alias": alias, "vendor": connection.vendor, "name": None if found["NAME"] is None else str(found["NAME"]),
        "user": text(found["USER"]), "password": text(found["PASSWORD"]), "host": text(found["HOST"]),
        "port": text(found["PORT"]), "options": found.get("OPTIONS") or {}, "test": text(name), "mirror": test.get("MIRROR")}

def own_runner():
    from django.conf import settings
    from django.test.utils import get_runner
    from django.test.runner import DiscoverRunner
    runner = get_runner(settings)
    own = getattr(runner, "setup_databases", None)
    return None if own is DiscoverRunner.setup_databases else settings.TEST_RUNNER

def answer():
    import importlib.util
    from django.db import connections
    runner = own_runner() if kind == "tests" else None
    value = {"settings": os.environ.get("DJANGO_SETTINGS_MODULE", ""), "databases": [one(alias) for alias in connections],
        "ownRunner": runner, "pytestDjango": importlib.util.find_spec("pytest_django") is not None}
    sys.stdout.write("\n" + marker + json.dumps(value, default=str) + "\n")
    sys.stdout.flush()
    os._exit(0)

if kind == "pytest":
    sys.path[:0] = arguments
    answer()

import django.core.management as management

def execute(utility):
    parser = management.CommandParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--settings")
    parser.add_argument("--pythonpath")
    options, _ = parser.parse_known_args(utility.argv[2:])
    management.handle_default_options(options)
    answer()

management.ManagementUtility.execute = execute
sys.argv = [script or "django-admin"] + arguments
if script:
    sys.path[0] = os.path.dirname(os.path.abspath(script))
    runpy.run_path(script, run_name="__main__")
else:
    management.execute_from_command_line(sys.argv)
`

export type Asked =
  /** `script` is empty for django-admin; `tests` looks at the test runner too. */
  | { readonly kind: 'command' | 'tests'; readonly script: string; readonly args: readonly string[] }
  | { readonly kind: 'pytest'; readonly paths: readonly string[] }

/** The databases of the settings that a call will use, or why they cannot be had. */
export async function askDatabases(
  io: Io,
  call: Call,
  asked: Asked,
): Promise<Databases | { readonly problem: string }> {
  const { program, before } = interpreterOf(call)
  const words = asked.kind === 'pytest' ? ['', ...asked.paths] : [asked.script, ...asked.args]
  const answer = await askProgram(io, call, program, [
    ...before,
    '-B',
    '-c',
    script,
    answerMarker,
    asked.kind,
    ...words,
  ])
  return 'problem' in answer ? answer : (answer.value as Databases)
}
