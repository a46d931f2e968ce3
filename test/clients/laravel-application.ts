import type { Server } from '../servers/databases.ts'
import { projectWith, type Trio } from './migrating.ts'

/**
 * The smallest application that Debian's Laravel boots: its own artisan, bootstrap/app.php and configuration as a new
 * application has them, with one migration, and with one test that runs it.
 */
export async function laravelApplication(
  server: Server,
  names: Trio,
  more: Readonly<Record<string, string>> = {},
): Promise<string> {
  return projectWith({
    artisan,
    'vendor/autoload.php': "<?php\nrequire_once '/usr/share/php/Illuminate/autoload.php';\n",
    'bootstrap/app.php': bootstrap,
    'bootstrap/cache/.gitignore': '*\n',
    'config/app.php': appConfiguration,
    'config/cache.php': "<?php\nreturn ['default' => 'array', 'stores' => ['array' => ['driver' => 'array']]];\n",
    'config/view.php': "<?php\nreturn ['paths' => [], 'compiled' => sys_get_temp_dir()];\n",
    'config/database.php': databaseConfiguration,
    'database/migrations/2026_01_01_000000_create_orders.php': migration,
    'tests/OrdersTest.php': ordersTest,
    'phpunit.xml': phpunitXml(''),
    '.env': environmentFile(server, names.development, 'local'),
    ...more,
  })
}

/** An env file as a new application has it. */
export function environmentFile(server: Server, database: string, environment: string): string {
  return `APP_ENV=${environment}
DB_CONNECTION=${connectionOf(server)}
DB_HOST=${server.host}
DB_PORT=${server.port}
DB_DATABASE=${database}
DB_USERNAME=${server.superuser}
DB_PASSWORD="${server.password}"
`
}

export function connectionOf(server: Server): string {
  return server.engine === 'postgres' ? 'pgsql' : 'mysql'
}

/** A phpunit.xml with these variables beside the usual APP_ENV. */
export function phpunitXml(variables: string): string {
  return `<?xml version="1.0" encoding="UTF-8"?>
<phpunit bootstrap="vendor/autoload.php">
    <testsuites><testsuite name="Feature"><directory suffix="Test.php">./tests</directory></testsuite></testsuites>
    <php><env name="APP_ENV" value="testing"/>${variables}</php>
</phpunit>
`
}

const artisan = `#!/usr/bin/env php
<?php
require __DIR__.'/vendor/autoload.php';
$app = require_once __DIR__.'/bootstrap/app.php';
$kernel = $app->make(Illuminate\\Contracts\\Console\\Kernel::class);
$input = new Symfony\\Component\\Console\\Input\\ArgvInput;
$status = $kernel->handle($input, new Symfony\\Component\\Console\\Output\\ConsoleOutput);
$kernel->terminate($input, $status);
exit($status);
`

const bootstrap = `<?php
$app = new Illuminate\\Foundation\\Application(dirname(__DIR__));
$app->singleton(Illuminate\\Contracts\\Console\\Kernel::class, Illuminate\\Foundation\\Console\\Kernel::class);
$app->singleton(Illuminate\\Contracts\\Debug\\ExceptionHandler::class, Illuminate\\Foundation\\Exceptions\\Handler::class);
return $app;
`

const appConfiguration = `<?php
return [
    'name' => 'Shop',
    'env' => env('APP_ENV', 'production'),
    'debug' => true,
    'timezone' => 'UTC',
    'locale' => 'en',
    'key' => 'base64:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=',
    'cipher' => 'AES-256-CBC',
    'providers' => [
        Illuminate\\Bus\\BusServiceProvider::class,
        Illuminate\\Cache\\CacheServiceProvider::class,
        Illuminate\\Foundation\\Providers\\ConsoleSupportServiceProvider::class,
        Illuminate\\Database\\DatabaseServiceProvider::class,
        Illuminate\\Encryption\\EncryptionServiceProvider::class,
        Illuminate\\Filesystem\\FilesystemServiceProvider::class,
        Illuminate\\Foundation\\Providers\\FoundationServiceProvider::class,
        Illuminate\\Queue\\QueueServiceProvider::class,
        Illuminate\\View\\ViewServiceProvider::class,
    ],
    'aliases' => [],
];
`

const databaseConfiguration = `<?php
$server = [
    'url' => env('DB_URL'),
    'host' => env('DB_HOST', '127.0.0.1'),
    'port' => env('DB_PORT'),
    'database' => env('DB_DATABASE', 'laravel'),
    'username' => env('DB_USERNAME', 'root'),
    'password' => env('DB_PASSWORD', ''),
    'prefix' => '',
];
return [
    'default' => env('DB_CONNECTION', 'sqlite'),
    'connections' => [
        'sqlite' => ['driver' => 'sqlite', 'database' => env('DB_DATABASE', database_path('database.sqlite')), 'prefix' => ''],
        'mysql' => ['driver' => 'mysql', 'unix_socket' => env('DB_SOCKET', ''), 'charset' => 'utf8mb4'] + $server,
        'pgsql' => ['driver' => 'pgsql', 'charset' => 'utf8', 'schema' => 'public'] + $server,
        'second' => ['driver' => env('DB_CONNECTION'), 'url' => null, 'charset' => 'utf8', 'database' => env('SECOND_DATABASE')] + $server,
    ],
    'migrations' => 'migrations',
];
`

const migration = `<?php
use Illuminate\\Support\\Facades\\Schema;
return new class extends Illuminate\\Database\\Migrations\\Migration {
    public function up() { Schema::create('orders', fn ($table) => $table->increments('id')); }
};
`

const ordersTest = `<?php
class OrdersTest extends PHPUnit\\Framework\\TestCase
{
    public function testMigrates()
    {
        $app = require __DIR__.'/../bootstrap/app.php';
        $app->make(Illuminate\\Contracts\\Console\\Kernel::class)->bootstrap();
        $this->assertSame(0, $app->make(Illuminate\\Contracts\\Console\\Kernel::class)->call('migrate', ['--force' => true]));
    }
}
`
