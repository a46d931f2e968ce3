import { execFileSync } from 'node:child_process'
import { describe, expect, it } from 'vitest'
import { callFor, shellWords, shownCommand } from '../src/shell-words.ts'

describe('words for a shell', () => {
  it.each([
    [['npm', 'test']],
    [['']],
    [['a b', "it's", '"x"', '$HOME', '`id`', '!1', '*', '~', '#', ';', '&&', '|', '<', '>', '(', '\\']],
    [['a\nb', "a\n'b\\", '\x1b[31m', '\t', 'x\x01f']],
    [['--a=b', '-', '--', '商店', 'Ü🙂', '{a,b}', '[a]']],
  ])('%j are read back by bash', (words) => {
    const read = execFileSync('bash', ['-c', `printf '%s\\0' ${shellWords(words)}`], { encoding: 'utf8' })
    expect(read.split('\0').slice(0, -1)).toEqual(words)
  })

  it('are left bare where they can be', () => {
    expect(shellWords(['npm', 'run', 'a:b', '--x=1', './y', 'user@host'])).toBe('npm run a:b --x=1 ./y user@host')
  })
})

describe('a command that is shown', () => {
  it.each<[readonly string[]]>([
    [['mysql', '-pgeheim']],
    [['dbtool', '-pgeheim']],
    [['npx', 'mariadb', '-p', '-pgeheim']],
    [['mysql', '-u', 'root', '-pgeheim', 'shop']],
    [['mariadb-dump', '-p31337geheim']],
    [['/usr/bin/mysql', '-pge heim']],
    [['sh', '-c', 'mysql -u root -pgeheim shop < x.sql']],
    [['bash', '-c', "cd app && mysql -p'geheim' shop"]],
    [['mysql', '--password=geheim']],
    [['mysql', '--password', 'geheim']],
    [['x', '--db-password', 'geheim']],
    [['x', '--Password', 'geheim']],
    [['x', '-password', 'geheim']],
    [['x', '--token', 'geheim']],
    [['x', '--client-secret=geheim']],
    [['env', 'PGPASSWORD=geheim', 'psql']],
    [['env', 'DB_PASS=ge heim', 'x']],
    [['env', 'MYSQL_PWD=geheim', 'x']],
    [['sh', '-c', 'PGPASSWORD=geheim psql']],
    [['sh', '-c', 'cd x && PGPASSWORD=geheim psql']],
    [['sh', '-c', "cd x; DB_PASSWORD='ge heim' psql"]],
    [['sh', '-c', 'cd x; DB_PASSWORD="ge heim" psql']],
    [['sh', '-c', 'tool --password geheim shop']],
    [['psql', 'postgres://app:geheim@db/shop']],
    [['psql', 'postgres://app:ge@heim@db/shop']],
    [['psql', 'postgres://app:ge/heim@db/shop']],
    [['psql', 'postgres://app:ge#heim?x@db/shop']],
    [['psql', 'postgres://app:ge heim@db/shop']],
    [['psql', 'postgres://:geheim@db/shop']],
    [['x', '--url=postgres://app:geheim@db/shop']],
    [['env', 'DATABASE_URL=postgres://app:geheim@db/shop', 'x']],
    [['sh', '-c', 'psql postgres://app:geheim@db/shop -c "select 1"']],
    [['x', 'jdbc:postgresql://db/shop?user=app&password=geheim']],
    [['psql', 'postgres:///shop?host=/tmp&password=geheim']],
    [['psql', 'host=db password=geheim dbname=shop']],
    [['--database-url', 'mysql://app:geheim@db/shop', 'npm', 'test']],
  ])('holds no password: %j', (words) => {
    const shown = shownCommand(words)
    expect(shown).not.toMatch(/geheim|ge@|ge\/|heim/)
    expect(shown).toContain('***')
  })

  it.each<[readonly string[], string]>([
    [['mysql', '-u', 'root', '-p', 'shop'], 'mysql -u root -p shop'],
    [['dbtool', '-pgeheim', 'shop'], "dbtool '-p***' shop"],
    [['psql', '-p5432', '-h', 'db', 'shop'], 'psql -p5432 -h db shop'],
    [['psql', '--no-password', 'shop'], 'psql --no-password shop'],
    [['psql', 'postgres://app@db/shop'], 'psql postgres://app@db/shop'],
    [['npx', 'prisma', 'migrate', 'deploy'], 'npx prisma migrate deploy'],
    [['php', 'artisan', 'db:seed', '--class=PasswordSeeder'], 'php artisan db:seed --class=PasswordSeeder'],
    [['php', 'artisan', 'auth:clear-resets', 'password'], 'php artisan auth:clear-resets password'],
    [['npm', 'test', '--', '-t', 'the password is wrong'], "npm test -- -t 'the password is wrong'"],
    [['mysql', '-pgeheim', 'shop'], "mysql '-p***' shop"],
    [['psql', 'postgres://app:geheim@db/shop?sslmode=require'], "psql 'postgres://app:***@db/shop?sslmode=require'"],
  ])('keeps the rest: %j', (words, shown) => {
    expect(shownCommand(words)).toBe(shown)
  })
})

describe('another of our commands', () => {
  it.each([
    ['safe-test', {}, 'restore-database'],
    ['./bin/safe-test', {}, './bin/restore-database'],
    ['/opt/my tools/safe-test', {}, "'/opt/my tools/restore-database'"],
    ['seatbelt', {}, 'seatbelt restore-database'],
    ['./bin/seatbelt', {}, './bin/seatbelt restore-database'],
    ['safe-test', { npm_lifecycle_event: 'test' }, 'npx restore-database'],
    ['./bin/safe-test', { npm_lifecycle_event: 'test' }, './bin/restore-database'],
  ])('beside %s with %j is %s', (calledAs, environment, call) => {
    expect(callFor('restore-database', calledAs, environment)).toBe(call)
  })
})
