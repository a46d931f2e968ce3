import { describe, expect, it } from 'vitest'
import { Failure } from '../src/failure.ts'
import { type OptionSources, optionDefinitions, resolveOptions } from '../src/options.ts'

function resolve({ flags = {}, environment = {}, options = {}, patterns = {} }: Sources = {}) {
  return resolveOptions({ flags, environment, file: { options, patterns, name: 'seatbelt.json' } })
}

type Sources = Partial<Pick<OptionSources, 'flags' | 'environment'>> & Partial<OptionSources['file']>

function mistake(sources: Sources): Failure | undefined {
  try {
    resolve(sources)
  } catch (error) {
    if (error instanceof Failure) return error
  }
  return undefined
}

describe('options', () => {
  it('have these defaults', () => {
    expect(resolve()).toEqual({
      envFiles: [],
      backupDirectory: 'backups',
      keep: 30,
      keepDaily: 0,
      keepWeekly: 0,
      keepMonthly: 0,
      rotate: false,
      dryRun: false,
      compress: 'none',
      alwaysDump: false,
      prove: false,
      check: false,
      allowProduction: [],
      yes: false,
      json: false,
      quiet: false,
      verbose: false,
      color: true,
      pin: false,
      restoreOnFailure: false,
      failOnLoss: false,
      instant: false,
      instantKeep: 1,
      checkSeconds: 5,
      testDatabases: [],
      patterns: { productionNames: [], safeNames: [], customerIdentifiers: [] },
    })
  })

  it.each<[string, Sources, object]>([
    ['a flag over a variable', { flags: { keep: '3' }, environment: { SEATBELT_KEEP: '4' } }, { keep: 3 }],
    ['a variable over the file', { environment: { SEATBELT_KEEP: '4' }, options: { keep: 5 } }, { keep: 4 }],
    ['the file over the default', { options: { keep: 5 } }, { keep: 5 }],
    ['an empty variable as none', { environment: { SEATBELT_KEEP: '' }, options: { keep: 5 } }, { keep: 5 }],
    ['an env file of a variable', { environment: { SEATBELT_ENV_FILE: '.env.x' } }, { envFiles: ['.env.x'] }],
    ['env files of the file', { options: { envFile: ['a', 'b'] } }, { envFiles: ['a', 'b'] }],
    ['one env file of the file', { options: { envFile: 'a' } }, { envFiles: ['a'] }],
    [
      'a URL with where it stood',
      { environment: { SEATBELT_DATABASE_URL: 'x' } },
      { databaseUrl: { value: 'x', label: 'SEATBELT_DATABASE_URL' } },
    ],
    ['a URL of a flag', { flags: { databaseUrl: 'x' } }, { databaseUrl: { value: 'x', label: '--database-url' } }],
    ['a folder', { environment: { SEATBELT_BACKUP_DIR: '/b' } }, { backupDirectory: '/b' }],
    ['zstd', { environment: { SEATBELT_COMPRESS: 'zstd' } }, { compress: 'zstd' }],
    ['backups of days', { flags: { keepDaily: '7' } }, { keepDaily: 7 }],
    ['backups of weeks', { environment: { SEATBELT_KEEP_WEEKLY: '4' } }, { keepWeekly: 4 }],
    ['backups of months', { options: { keepMonthly: 12 } }, { keepMonthly: 12 }],
    ['no backups of days', { flags: { keepDaily: '0' }, options: { keepDaily: 3 } }, { keepDaily: 0 }],
    ['a proof of each', { environment: { SEATBELT_PROVE: 'true' } }, { prove: true }],
    ['a proof of each of the file', { options: { prove: true } }, { prove: true }],
    ['no proof this time', { environment: { SEATBELT_PROVE: '0' }, options: { prove: true } }, { prove: false }],
    ['a dump each time', { flags: { alwaysDump: true } }, { alwaysDump: true }],
    ['a dump each time of a variable', { environment: { SEATBELT_ALWAYS_DUMP: '1' } }, { alwaysDump: true }],
    ['a dump each time of the file', { options: { alwaysDump: true } }, { alwaysDump: true }],
    ['a consent', { environment: { SEATBELT_ALLOW_PRODUCTION: 'shop' } }, { allowProduction: ['shop'] }],
    ['several consents', { flags: { allowProduction: ['a', 'b'] } }, { allowProduction: ['a', 'b'] }],
    ['a report', { environment: { SEATBELT_REPORT: 'r.json' } }, { report: 'r.json' }],
    [
      'patterns',
      { patterns: { safeNames: ['x*'] } },
      { patterns: { productionNames: [], safeNames: ['x*'], customerIdentifiers: [] } },
    ],
    ['a loss as a failure', { flags: { failOnLoss: true } }, { failOnLoss: true }],
    ['a loss as a failure of a variable', { environment: { SEATBELT_FAIL_ON_LOSS: '1' } }, { failOnLoss: true }],
    [
      'a variable that takes back what the file says',
      { environment: { SEATBELT_FAIL_ON_LOSS: '0' }, options: { failOnLoss: true } },
      { failOnLoss: false },
    ],
    ['copies inside the server', { options: { instant: true, instantKeep: 3 } }, { instant: true, instantKeep: 3 }],
    ['no look at the tables', { environment: { SEATBELT_CHECK_SECONDS: '0' } }, { checkSeconds: 0 }],
    ['no colour', { flags: { color: false } }, { color: false }],
  ])('take %s', (_, sources, expected) => {
    expect(resolve(sources)).toMatchObject(expected)
  })

  it.each<[string, Sources, string]>([
    ['0 backups', { flags: { keep: '0' } }, '--keep must be a whole number of at least 1'],
    ['-1 backups', { flags: { keep: '-1' } }, '--keep must be'],
    ['1.5 backups', { options: { keep: 1.5 } }, 'seatbelt.json: keep must be'],
    ['many backups', { environment: { SEATBELT_KEEP: '1e3' } }, 'SEATBELT_KEEP must be'],
    ['too many backups', { flags: { keep: '99999999999999999999' } }, '--keep must be'],
    ['-1 days', { flags: { keepDaily: '-1' } }, '--keep-daily must be a whole number of at least 0'],
    ['half a month', { options: { keepMonthly: 0.5 } }, 'seatbelt.json: keepMonthly must be'],
    ['null backups', { options: { keep: null as never } }, 'seatbelt.json: keep must be'],
    [
      'a loss of perhaps',
      { environment: { SEATBELT_FAIL_ON_LOSS: 'perhaps' } },
      'SEATBELT_FAIL_ON_LOSS must be true or',
    ],
    ['a loss of 1 in the file', { options: { failOnLoss: 1 } }, 'seatbelt.json: failOnLoss must be true or false'],
    [
      'half a second',
      { options: { checkSeconds: 0.5 } },
      'seatbelt.json: checkSeconds must be a whole number of at least 0',
    ],
    [
      'a loss that nobody looks for',
      { flags: { failOnLoss: true }, environment: { SEATBELT_CHECK_SECONDS: '0' } },
      'SEATBELT_CHECK_SECONDS must be a whole number of at least 1',
    ],
    ['rar', { flags: { compress: 'rar' } }, '--compress must be one of none, zstd, gzip'],
    ['upper case', { environment: { SEATBELT_COMPRESS: 'ZSTD' } }, 'SEATBELT_COMPRESS must be one of'],
    ['an empty folder', { flags: { backupDir: '' } }, '--backup-dir must be a text that is not empty'],
    ['a number as folder', { options: { backupDir: 3 } }, 'seatbelt.json: backupDir must be a text'],
    ['an empty name', { flags: { allowProduction: [''] } }, '--allow-production must be a text'],
    ['a number as env file', { options: { envFile: [1] as never } }, 'seatbelt.json: envFile must be a text'],
    ['an empty URL', { flags: { databaseUrl: '' } }, '--database-url must be a text'],
  ])('refuse %s', (_, sources, what) => {
    const error = mistake(sources)
    expect(error?.code).toBe(2)
    expect(error?.text.what).toContain(what)
  })

  it('take a file named on the line over a URL that waits in the environment', () => {
    const environment = { SEATBELT_DATABASE_URL: 'postgres://h/a' }
    const options = resolveOptions({
      flags: { envFile: ['.env.testing'] },
      environment,
      file: { options: {}, patterns: {}, name: '' },
    })
    expect(options).not.toHaveProperty('databaseUrl')
    expect(options.envFiles).toEqual(['.env.testing'])
  })

  it('let no variable answer for a person', () => {
    const answers = ['yes', 'pin', 'restoreOnFailure'] as const
    for (const name of answers) expect(optionDefinitions[name].variable).toBeUndefined()
    expect(resolve({ environment: { SEATBELT_YES: '1', SEATBELT_PIN: '1' }, options: { yes: true } })).toMatchObject({
      yes: false,
      pin: false,
    })
  })
})
