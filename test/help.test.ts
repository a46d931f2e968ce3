import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { commands } from '../src/main.ts'

const bin = join(import.meta.dirname, '../bin')

function run(argv: readonly string[]) {
  const { PATH = '' } = process.env
  const { exitCode, stdout, stderr } = Bun.spawnSync([...argv], { env: { PATH }, stdin: 'ignore' })
  return { exitCode, stdout: stdout.toString(), stderr: stderr.toString() }
}

describe.each(Object.keys(commands))('%s --help', (name) => {
  const { exitCode, stdout, stderr } = run([join(bin, name), '--help'])
  const lines = stdout.trimEnd().split('\n')

  test('is an answer, not an error', () => {
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' })
  })

  test('fits a screen of 24 lines and 80 columns', () => {
    expect(lines.length).toBeLessThanOrEqual(24)
    expect(Math.max(...lines.map(({ length }) => length))).toBeLessThanOrEqual(80)
  })

  test('gives each option one line', () => {
    const options = lines.slice(lines.indexOf('Options:') + 1, lines.indexOf('', lines.indexOf('Options:')))
    expect(options.filter((line) => !/^ {2}--[a-z]/.test(line))).toEqual([])
  })

  test('leaves out what is rarely needed; --help-all has it', () => {
    const all = run([join(bin, name), '--help-all'])
    expect({ exitCode: all.exitCode, stderr: all.stderr }).toEqual({ exitCode: 0, stderr: '' })
    expect(stdout).not.toContain('--no-color')
    expect(all.stdout).toMatch(/^ {2}--no-color +no colours/m)
    const options = (text: string) => text.split('\n').filter((line) => /^ {2}--[a-z]/.test(line))
    const names = (text: string) => options(text).map((line) => line.trim().split(/ +/)[0])
    expect(names(all.stdout)).toEqual(expect.arrayContaining(names(stdout)))
  })

  test('shows an example that calls this command', () => {
    expect(stdout).toMatch(new RegExp(`Examples?:\n  ${name}`))
  })

  test('is the same when called through seatbelt', () => {
    expect(run([join(bin, 'seatbelt'), name, '--help']).stdout).toBe(stdout)
  })
})

test('seatbelt --help names every command', () => {
  const { exitCode, stdout } = run([join(bin, 'seatbelt'), '--help'])
  expect(exitCode).toBe(0)
  for (const name of Object.keys(commands)) expect(stdout).toContain(name)
})
