import { expect, test } from 'vitest'
import { clientFolders } from '../../../src/engines/mysql/client-places.ts'
import { treeOf } from '../file-tree.ts'

const programs = ['mysqldump', 'mariadb-dump']

test.each([
  ['Homebrew', '/opt/homebrew/opt/mysql-client@8.0/bin/mysqldump'],
  ['Homebrew', '/opt/homebrew/opt/mysql/bin/mysqldump'],
  ['Homebrew', '/opt/homebrew/opt/mariadb@10.11/bin/mariadb-dump'],
  ['Homebrew on Intel', '/usr/local/opt/mysql-client/bin/mysqldump'],
  ['Homebrew on Linux', '/home/linuxbrew/.linuxbrew/opt/mysql@8.4/bin/mysqldump'],
  ['Homebrew, linked, in a job of launchd', '/opt/homebrew/bin/mysqldump'],
  ["Oracle's package for macOS", '/usr/local/mysql/bin/mysqldump'],
  ["Oracle's archive", '/usr/local/mysql-8.4.3-macos14-arm64/bin/mysqldump'],
  ['an archive in /opt', '/opt/mariadb-10.11.8-linux-systemd-x86_64/bin/mariadb-dump'],
  ['Software Collections', '/opt/rh/rh-mysql80/root/usr/bin/mysqldump'],
  ['Software Collections', '/opt/rh/rh-mariadb105/root/usr/bin/mysqldump'],
  ['MacPorts', '/opt/local/lib/mysql84/bin/mysqldump'],
  ['MacPorts', '/opt/local/lib/mariadb-10.11/bin/mariadb-dump'],
  ['XAMPP', '/opt/lampp/bin/mysqldump'],
  ['MAMP', '/Applications/MAMP/Library/bin/mysql80/bin/mysqldump'],
  ['DBngin', '/Users/Shared/DBngin/mysql/8.0.33/bin/mysqldump'],
  ['Windows', 'C:/Program Files/MySQL/MySQL Server 8.0/bin/mysqldump.exe'],
  ['Windows', 'C:/Program Files/MySQL/MySQL Workbench 8.0 CE/mysqldump.exe'],
  ['Windows', 'C:/Program Files/MariaDB 10.11/bin/mariadb-dump.exe'],
  ['XAMPP on Windows', 'C:/xampp/mysql/bin/mysqldump.exe'],
  ['Laragon', 'C:/laragon/bin/mysql/mysql-8.0.30-winx64/bin/mysqldump.exe'],
])('the client on %s: %s', (_, path) => {
  const others = ['/usr/local/bin/other', '/opt/mysqlx/readme', '/opt/mariadb/lib/mysqldump']
  expect(clientFolders(programs, { version: '8.0.36' }, treeOf([...others, path]))).toEqual([
    path.slice(0, path.lastIndexOf('/')),
  ])
})

test.each([
  ['8.0.36', ['mysql@8.0', 'mysql@8.4', 'mysql@9.0', 'mysql@5.7', 'mysql']],
  ['8.4.3', ['mysql@8.4', 'mysql@9.0', 'mysql@8.0', 'mysql@5.7', 'mysql']],
  ['5.7.44', ['mysql@5.7', 'mysql@8.0', 'mysql@8.4', 'mysql@9.0', 'mysql']],
])('for a server %s the nearest comes first: %j', (version, order) => {
  const all = ['mysql@9.0', 'mysql', 'mysql@5.7', 'mysql@8.4', 'mysql@8.0']
  const tree = treeOf(all.map((name) => `/opt/homebrew/opt/${name}/bin/mysqldump`))
  expect(clientFolders(programs, { version }, tree)).toEqual(order.map((name) => `/opt/homebrew/opt/${name}/bin`))
})

test.each([
  ['10.5.20-MariaDB', ['rh-mariadb105', 'rh-mariadb1011']],
  ['10.11.8-MariaDB', ['rh-mariadb1011', 'rh-mariadb105']],
])('a version without its point is read as one: %s', (version, order) => {
  const tree = treeOf(['105', '1011'].map((name) => `/opt/rh/rh-mariadb${name}/root/usr/bin/mysqldump`))
  expect(clientFolders(programs, { version }, tree)).toEqual(order.map((name) => `/opt/rh/${name}/root/usr/bin`))
})
