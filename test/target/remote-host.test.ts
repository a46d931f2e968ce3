import { expect, test } from 'vitest'
import { isRemoteHost } from '../../src/target/remote-host.ts'

const machine = { names: new Set(['build-7.acme.com', '93.184.216.34', '2606:2800:220:1::1']) }

test.each([
  'db.acme.com',
  'DB.ACME.COM.',
  'ep-cool-name-123456.us-east-2.aws.neon.tech',
  'aws.connect.psdb.cloud',
  'db.abcdefghijkl.supabase.co',
  'aws-0-eu-central-1.pooler.supabase.com',
  'shop.c9akciq32.eu-west-1.rds.amazonaws.com',
  'dpg-abc-a.oregon-postgres.render.com',
  'roundhouse.proxy.rlwy.net',
  'acme.co.uk',
  '93.184.216.35',
  '11.0.0.1',
  '172.32.0.1',
  '2606:2800:220:1::2',
])('%s is on the internet', (host) => expect(isRemoteHost(host, machine)).toBe(true))

test.each([
  ...['localhost', 'LOCALHOST', 'api.localhost', '127.0.0.1', '127.0.0.2', '127.1', '::1', '0.0.0.0', ''],
  ...[
    '10.0.3.7',
    '172.16.0.1',
    '172.31.255.255',
    '192.168.1.20',
    '169.254.1.1',
    '100.64.0.9',
    'fd00::2',
    'fe80::1%eth0',
  ],
  ...['::ffff:10.0.0.1', '::ffff:127.0.0.1'],
  ...[
    'db',
    'postgres',
    'mysql',
    'my_db',
    'host.docker.internal',
    'gateway.docker.internal',
    'postgres.railway.internal',
  ],
  ...[
    'db.local',
    'nas.lan',
    'db.test',
    'db.acme.internal',
    'pg.default.svc',
    'pg.default.svc.cluster.local',
    'box.ts.net',
  ],
  ...['shop-db.flycast', 'db.home.arpa', 'db.acme.example', 'db.acme.invalid'],
  ...['build-7.acme.com', 'BUILD-7.acme.com', '93.184.216.34', '2606:2800:220:1::1'],
])('%j is not', (host) => expect(isRemoteHost(host, machine)).toBe(false))
