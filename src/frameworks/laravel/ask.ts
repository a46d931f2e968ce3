import { join } from 'node:path'
import type { Io } from '../../effects/io.ts'
import type { Call } from '../framework.ts'
import { askPhp } from '../php/ask.ts'
import { applyPhpunit, isFile, type PhpunitVariable } from '../php/phpunit.ts'
import type { LaravelUse } from './command.ts'
import { environmentFlag } from './command.ts'
import type { ConnectionSettings } from './connection.ts'

/** What the application says of itself with nothing but its environment and configuration loaded. */
export type LaravelAnswer = {
  /** The env file that it read, absolute; '' where the configuration is cached. */
  readonly envFile: string
  /** The cached configuration that it read, absolute. */
  readonly cached?: string
  readonly environment: string
  readonly default: string
  readonly connections: Readonly<Record<string, ConnectionSettings>>
}

export type LaravelQuestion = {
  readonly base: string
  readonly use: LaravelUse
  readonly phpunit: readonly PhpunitVariable[]
}

// The two bootstrappers of Illuminate\Foundation\Console\Kernel that come first; service providers are not started, since
// they may open connections.
const functions = `
function db_seatbelt_boot($base, $argv) {
    $_SERVER['argv'] = $argv;
    $_SERVER['argc'] = count($argv);
    $app = require $base . '/bootstrap/app.php';
    $app->bootstrapWith([
        Illuminate\\Foundation\\Bootstrap\\LoadEnvironmentVariables::class,
        Illuminate\\Foundation\\Bootstrap\\LoadConfiguration::class,
    ]);
    return $app;
}
function db_seatbelt_connection($settings) {
    $settings = (new Illuminate\\Support\\ConfigurationUrlParser)->parseConfiguration($settings);
    $certificate = defined('PDO::MYSQL_ATTR_SSL_CA') ? ($settings['options'][constant('PDO::MYSQL_ATTR_SSL_CA')] ?? null) : null;
    if (($settings['driver'] ?? '') !== 'pgsql' && $certificate) $settings['sslrootcert'] = $certificate;
    $wanted = ['driver', 'host', 'port', 'database', 'username', 'password', 'unix_socket',
        'sslmode', 'sslcert', 'sslkey', 'sslrootcert', 'write'];
    return array_intersect_key($settings, array_flip($wanted));
}
`

// `artisan test --env=X` leaves what it read from the env file in the environment of the PHPUnit that it starts, and without
// --env it takes that away again (nunomaduro/collision, TestCommand::clearEnv).
const script = `${functions}
$base = $question['base'];
require $base . '/vendor/autoload.php';
if ($question['handedOn']) {
    db_seatbelt_boot($base, $question['argv']);
    Illuminate\\Support\\Env::enablePutenv();
    $question['argv'] = ['phpunit'];
}
${applyPhpunit}
$app = db_seatbelt_boot($base, $question['argv']);
$config = $app['config'];
$cached = $app->configurationIsCached();
db_seatbelt_answer([
    'envFile' => $cached ? '' : $app->environmentPath() . '/' . $app->environmentFile(),
    'cached' => $cached ? $app->getCachedConfigPath() : null,
    'environment' => (string) $config->get('app.env', 'production'),
    'default' => (string) $config->get('database.default'),
    'connections' => array_map('db_seatbelt_connection', $config->get('database.connections', [])),
]);
`

/** Asks the application; `problem` says why there is no answer. */
export async function askLaravel(
  io: Io,
  call: Call,
  { base, use, phpunit }: LaravelQuestion,
): Promise<{ readonly answer: LaravelAnswer } | { readonly problem: string }> {
  if (!(await isFile(join(base, 'vendor/autoload.php')))) return { problem: 'vendor/autoload.php is not there' }
  const handedOn = use.kind === 'tests' && use.throughArtisan && environmentFlag(use.args) !== undefined
  const argv = use.throughArtisan && (use.kind === 'artisan' || handedOn) ? ['artisan', ...use.args] : ['phpunit']
  const answer = await askPhp(io, call, script, { base, argv, phpunit, handedOn })
  if ('problem' in answer) return { problem: `PHP did not say it (${answer.problem})` }
  return isLaravelAnswer(answer.value) ? { answer: answer.value } : { problem: 'PHP gave another answer than expected' }
}

function isLaravelAnswer(value: unknown): value is LaravelAnswer {
  if (typeof value !== 'object' || value === null) return false
  const { default: standard, connections, envFile } = value as Partial<Record<string, unknown>>
  return (
    typeof standard === 'string' &&
    typeof envFile === 'string' &&
    typeof connections === 'object' &&
    connections !== null
  )
}
