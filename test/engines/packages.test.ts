import { describe, expect, test } from 'vitest'
import { packagesOf } from '../../src/engines/mysql/client.ts'
import { installStep, systemOf } from '../../src/engines/packages.ts'
import { clientPackages } from '../../src/engines/postgres/clients.ts'

describe.each([
  [
    'Debian',
    'linux',
    'PRETTY_NAME="Debian"\nID=debian\n',
    'apt-get install postgresql-client-18',
    'mariadb-client',
    'dev.mysql.com/downloads/repo/apt',
  ],
  [
    'Ubuntu',
    'linux',
    'ID=ubuntu\nID_LIKE=debian\n',
    'apt-get install postgresql-client-18',
    'mariadb-client',
    'apt-get install mysql-client',
  ],
  [
    'Linux Mint',
    'linux',
    'ID=linuxmint\nID_LIKE="ubuntu debian"\n',
    'apt-get install postgresql-client-18',
    'mariadb-client',
    'apt-get install mysql-client',
  ],
  [
    'Rocky',
    'linux',
    'ID="rocky"\nID_LIKE="rhel centos fedora"\n',
    'dnf install postgresql18',
    'dnf install mariadb',
    'dnf install mysql',
  ],
  ['Fedora', 'linux', 'ID=fedora\n', 'dnf install postgresql18', 'dnf install mariadb', 'dnf install mysql'],
  [
    'Amazon Linux',
    'linux',
    'ID="amzn"\nID_LIKE="fedora"\n',
    'dnf install postgresql18',
    'dnf install mariadb',
    'dnf install mysql',
  ],
  [
    'openSUSE',
    'linux',
    'ID="opensuse-leap"\nID_LIKE="suse opensuse"\n',
    'zypper install postgresql18',
    'zypper install mariadb-client',
    'mysql-community-client',
  ],
  ['Alpine', 'linux', 'ID=alpine\n', 'apk add postgresql18-client', 'apk add mariadb-client', 'Alpine has none'],
  ['Arch', 'linux', 'ID=arch\n', 'pacman -S postgresql', 'pacman -S mariadb-clients', 'AUR'],
  ['Arch Linux ARM', 'linux', 'ID=archarm\nID_LIKE=arch\n', 'pacman -S postgresql', 'pacman -S mariadb-clients', 'AUR'],
  ['macOS', 'darwin', '', 'brew install postgresql@18', 'brew install mariadb', 'brew install mysql-client'],
  [
    'Windows',
    'win32',
    '',
    'winget install PostgreSQL.PostgreSQL.18',
    'winget install MariaDB.Server',
    'winget install Oracle.MySQL',
  ],
  [
    'an unknown system',
    'linux',
    'ID=plan9\nNAME="not debian"\n',
    'install the client tools of PostgreSQL 18 or newer',
    'install the client programs of MariaDB',
    'dev.mysql.com/downloads/mysql',
  ],
])('on %s', (_, platform, release, postgres, mariadb, mysql) => {
  const system = systemOf(platform, release)
  test.each([
    ['PostgreSQL', clientPackages(18), postgres],
    ['MariaDB', packagesOf('mariadb'), mariadb],
    ['MySQL', packagesOf('mysql'), mysql],
  ])('%s comes from a package of its own', (_name, packages, step) => {
    expect(packages[system ?? 'otherwise']).toContain(step)
  })
})

test('one line for this machine', () => {
  expect(Object.values(packagesOf('mariadb'))).toContain(installStep(packagesOf('mariadb')))
})
