import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { Failure } from '../src/failure.ts'
import { parseProjectFile, readProjectFile } from '../src/project-file.ts'
import { temporaryFolder } from './temporary-folder.ts'

describe('the project file', () => {
  it('is the nearest one upwards', async () => {
    const folder = temporaryFolder({
      'seatbelt.json': '{"keep": 1}',
      'a/seatbelt.json': '{"keep": 2}',
      'a/b/c/x': '',
      'd/x': '',
    })
    expect(await readProjectFile(join(folder, 'a/b/c'))).toMatchObject({
      root: join(folder, 'a'),
      options: { keep: 2 },
    })
    expect(await readProjectFile(join(folder, 'a'))).toMatchObject({ root: join(folder, 'a') })
    expect(await readProjectFile(join(folder, 'd'))).toMatchObject({ root: folder, options: { keep: 1 } })
  })

  it('may be none', async () => {
    const folder = temporaryFolder()
    expect(await readProjectFile(folder)).toEqual({ root: folder, name: 'seatbelt.json', options: {}, patterns: {} })
  })

  it('must be a file', async () => {
    const folder = temporaryFolder()
    mkdirSync(join(folder, 'seatbelt.json'))
    await expect(readProjectFile(folder)).rejects.toMatchObject({
      code: 2,
      text: { what: expect.stringMatching(/cannot be read \(EISDIR\)/) },
    })
  })

  it('holds options and patterns', () => {
    const text =
      '\uFEFF{ "keep": 5, "envFile": ["a"], "compress": "zstd", "productionNames": ["shop"], "safeNames": [] }'
    expect(parseProjectFile(text, '/p/seatbelt.json')).toEqual({
      options: { keep: 5, envFile: ['a'], compress: 'zstd' },
      patterns: { productionNames: ['shop'], safeNames: [] },
    })
  })

  it.each<[string, RegExp]>([
    ['', /is not valid JSON/],
    ['{', /is not valid JSON/],
    ['[]', /must hold one JSON object/],
    ['null', /must hold one JSON object/],
    ['3', /must hold one JSON object/],
    ['{"kepe": 3}', /unknown key "kepe"/],
    ['{"backup-dir": "x"}', /unknown key "backup-dir"/],
    ['{"toString": 1}', /unknown key "toString"/],
    ['{"__proto__": 1}', /unknown key "__proto__"/],
    ['{"yes": true}', /unknown key "yes"/],
    ['{"productionNames": "shop"}', /productionNames must be a list of texts/],
    ['{"safeNames": [1]}', /safeNames must be a list of texts/],
    ['{"customerIdentifiers": [""]}', /customerIdentifiers must be a list of texts/],
  ])('with %j is a mistake that names the file', (text, what) => {
    const read = () => parseProjectFile(text, '/p/seatbelt.json')
    expect(read).toThrow(Failure)
    expect(read).toThrow(what)
    expect(read).toThrow('/p/seatbelt.json')
  })
})
