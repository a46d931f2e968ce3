import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { parseEnvText, readEnvFile } from '../../src/environment/env-file.ts'
import { temporaryFolder } from '../temporary-folder.ts'

describe('the text of an env file', () => {
  it.each<[string, string, string | undefined]>([
    ['a plain value', 'A=x', 'x'],
    ['a byte order mark', '\uFEFFA=x', 'x'],
    ['CRLF', 'Z=1\r\nA=x\r\nB=2\r\n', 'x'],
    ['a lone CR', 'Z=1\rA=x\rB=2', 'x'],
    ['export', 'export A=x', 'x'],
    ['spaces around', '  A  =  x  ', 'x'],
    ['an indented export', '\t export  A=x', 'x'],
    ['a colon', 'A: x', 'x'],
    ['double quotes', 'A="x y"', 'x y'],
    ['single quotes', "A='x y'", 'x y'],
    ['backticks', 'A=`x "y"`', 'x "y"'],
    ['an empty value', 'A=', ''],
    ['empty quotes', 'A=""', ''],
    ['# in double quotes', 'A="x#y"', 'x#y'],
    ['# in single quotes', "A='x # y'", 'x # y'],
    ['a comment behind', 'A=x # y', 'x'],
    ['a comment behind quotes', 'A="x" # "y"', 'x'],
    ['# in an unquoted value, as dotenv has it', 'A=abc#def', 'abc'],
    ['a commented line', '#A=y\nA=x\n# A=z', 'x'],
    ['=, ; and : in the value', 'A=x=y;z:1', 'x=y;z:1'],
    ['the last of two', 'A=y\nA=x', 'x'],
    ['several lines in quotes', 'A="x\ny"\nB=1', 'x\ny'],
    ['\\n in double quotes', 'A="x\\ny"', 'x\ny'],
    ['\\n in single quotes', "A='x\\ny'", 'x\\ny'],
    ['an apostrophe inside', "A=x'y", "x'y"],
    ['no such key', 'AA=x', undefined],
    ['no text at all', '', undefined],
  ])('has %s', (_, text, value) => {
    expect(parseEnvText(text, {})['A']).toBe(value)
  })
})

describe('a reference in an env file', () => {
  const environment = { OUTER: 'outer', PRICE: 'a$b', DB_NAME: 'from-outside' }
  it.each<[string, string, string]>([
    ['an earlier key', 'DB=shop\nA=x_${DB}', 'x_shop'],
    ['no later key, as dotenv-expand has it', 'A=x_${DB}\nDB=shop', 'x_'],
    ['a key of the environment', 'A=${OUTER}', 'outer'],
    ['a key of both: the environment wins', 'DB_NAME=inside\nA=${DB_NAME}', 'from-outside'],
    ['a default', 'A=${NOWHERE:-x}', 'x'],
    ['nothing', 'A=x${NOWHERE}y', 'xy'],
    ['itself, outside', 'OUTER=x${OUTER}\nA=${OUTER}', 'outer'],
    ['in double quotes', 'DB=shop\nA="${DB}"', 'shop'],
    ['a value with a dollar', 'A=${PRICE}', 'a$b'],
    ['a value of the file with a dollar', 'PW=p$w\nA=x:${PW}@y', 'x:p$w@y'],
    ['twice', 'A=${OUTER}-${OUTER}', 'outer-outer'],
    ['through another', 'C=c\nB=${C}\nA=${B}', 'c'],
  ])('leads to %s', (_, text, value) => {
    expect(parseEnvText(text, environment)['A']).toBe(value)
  })

  it.each<[string, string, string]>([
    ['single quotes', "A='x${OUTER}'", 'x${OUTER}'],
    ['single quotes behind a byte order mark', "\uFEFFA='x${OUTER}'", 'x${OUTER}'],
    ['exported single quotes', "export A = 'x${OUTER}'", 'x${OUTER}'],
    ['a bare dollar', 'A=pa$OUTER', 'pa$OUTER'],
    ['a bare dollar in double quotes', 'A="pa$$w0rd$1"', 'pa$$w0rd$1'],
    ['a dollar at the end', 'A=pa$', 'pa$'],
    ['a bare dollar beside a reference', 'A=p$x-${OUTER}', 'p$x-outer'],
  ])('is none in %s', (_, text, value) => {
    expect(parseEnvText(text, environment)['A']).toBe(value)
  })

  it('changes nobody’s environment', () => {
    const before = { ...process.env }
    parseEnvText('SEATBELT_PROBE=${HOME}\nA=${SEATBELT_PROBE}', process.env)
    expect({ ...process.env }).toEqual(before)
    expect(environment).toEqual({ OUTER: 'outer', PRICE: 'a$b', DB_NAME: 'from-outside' })
  })
})

describe('an env file', () => {
  it('is read with its name beside each value', async () => {
    const cwd = temporaryFolder({ '.env': 'A=x' })
    const file = await readEnvFile(cwd, '.env', {})
    expect(file).toMatchObject({ state: 'read', label: '.env' })
    if (file.state === 'read') expect([...file.values]).toEqual([['A', { value: 'x', label: '.env' }]])
  })

  it.each([
    ['config/.env', 'config/.env'],
    ['./config/.env', 'config/.env'],
  ])('%s is called %s', async (file, label) => {
    const cwd = temporaryFolder({ 'config/.env': 'A=x' })
    expect(await readEnvFile(cwd, file, {})).toMatchObject({ state: 'read', label })
  })

  it('outside the working directory keeps the name it was given', async () => {
    const folder = temporaryFolder({ '.env': 'A=x', 'sub/keep': '' })
    expect(await readEnvFile(join(folder, 'sub'), '../.env', {})).toMatchObject({ state: 'read', label: '../.env' })
    expect(await readEnvFile('/', join(folder, '.env'), {})).toMatchObject({ state: 'read' })
  })

  it('may be absent', async () => {
    const cwd = temporaryFolder({ file: '' })
    expect(await readEnvFile(cwd, '.env', {})).toEqual({ state: 'absent', label: '.env' })
    expect(await readEnvFile(cwd, 'file/.env', {})).toMatchObject({ state: 'absent' })
  })

  it('may be a folder', async () => {
    const cwd = temporaryFolder()
    mkdirSync(join(cwd, '.env'))
    expect(await readEnvFile(cwd, '.env', {})).toMatchObject({ state: 'problem', problem: 'is a folder, not a file' })
  })
})
