import { describe, inject } from 'vitest'
import { holdRehearsal } from '../engines/postgres/rehearsing.ts'
import { holdRowsAcross, holdSameRows, ways } from '../engines/postgres/same-rows.ts'
import { ioFor } from '../engines/postgres/world.ts'
import { postgresClient } from './later-clients.ts'

const servers = inject('servers').postgres
const environment = { PATH: `${postgresClient(18)}:${process.env['PATH']}`, HOME: '/nowhere' }
const io = ioFor({ environment })

describe('on PostgreSQL 18', () => {
  describe.each(ways)('by %s', (way) => holdSameRows(servers['18'], way, io))
  describe('a rehearsal', () => holdRehearsal(servers['18'], io))
})

describe.each([
  ['13', '18'],
  ['18', '13'],
  ['15', '18'],
  ['18', '15'],
] as const)('from PostgreSQL %s to %s', (from, to) => holdRowsAcross(servers[from], servers[to], io))
