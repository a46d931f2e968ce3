// `npm run test:clients` runs the real frameworks: those that Debian packages, installed where they are missing.
import { spawnSync } from 'node:child_process'
import { installDebianPackages } from './system-packages.mjs'

const packages = [
  'php-cli',
  'php-pgsql',
  'php-mysql',
  'php-sqlite3',
  'php-xml',
  'php-mbstring',
  'php-laravel-framework',
  'php-symfony-dotenv',
  'php-symfony-yaml',
  'php-symfony-framework-bundle',
  'php-doctrine-dbal',
  'phpunit',
  'python3-django',
  'python3-psycopg2',
  'python3-mysqldb',
  'python3-alembic',
  'python3-pymysql',
  'python3-aiosqlite',
  'python3-asyncpg',
  'ruby-railties',
  'ruby-activerecord',
  'ruby-pg',
  'ruby-sqlite3',
  'ruby-mysql2',
  'sqlite3',
]

const missing = packages.filter((name) => spawnSync('dpkg', ['-s', name], { stdio: 'ignore' }).status !== 0)
if (missing.length > 0) installDebianPackages(missing)
