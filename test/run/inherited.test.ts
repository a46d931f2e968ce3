import { describe, expect, test } from 'vitest'
import { bytesOfEnvironment, bytesOfWords, openFilesOf } from '../../src/run/inherited.ts'
import { isHit } from '../../src/run/keeper.ts'
import { readStatus } from '../../src/run/libc.ts'
import { takeSignals } from '../../src/run/signals.ts'

const bytes = (...words: string[]) => words.map((word) => Buffer.from(word, 'latin1'))

describe('the words of the command as bytes', () => {
  test('are the last of our own', () => {
    const ours = bytes('safe-test', '--keep', '3', 'php', 'caf\xe9', '')
    expect(bytesOfWords(['php', 'caf\ufffd', ''], ours)).toEqual(bytes('php', 'caf\xe9', ''))
  })

  test.each([
    ['not the last', ['php', 'b'], bytes('safe-test', 'php', 'a')],
    ['more than ours', ['a', 'b'], bytes('b')],
    ['ours unknown', ['é'], undefined],
  ])('else what they say: %s', (_, command, ours) => {
    expect(bytesOfWords(command, ours).map(String)).toEqual(command)
  })
})

describe('the environment as bytes', () => {
  const ours = bytes('A=1', 'B=\xe9=\n', 'A=2', 'odd', '=', 'PATH=/bin')

  test('is the caller’s, untouched', () => {
    expect(bytesOfEnvironment({}, ours)).toEqual(ours)
  })

  test('with pinned keys in place of its own', () => {
    const pinned = bytesOfEnvironment({ A: 'pinned', C: '' }, ours)
    expect(pinned).toEqual([...bytes('B=\xe9=\n', 'odd', '=', 'PATH=/bin'), ...bytes('A=pinned', 'C=')])
  })
})

test.each([
  ['Max open files            1024                 524288               files     ', { soft: 1024, hard: 524288 }],
  ['Max open files            unlimited            unlimited            files     ', undefined],
  ['', undefined],
])('the limit of open files in %j', (line, limit) => {
  expect(openFilesOf(`Limit  Soft  Hard  Units\n${line}\nMax locked memory  1  1  bytes\n`)).toEqual(limit)
})

test.each([
  [0, { state: 'exited', code: 0 }],
  [0xff00, { state: 'exited', code: 255 }],
  [2, { state: 'killed', signal: 2 }],
  [0x80 | 11, { state: 'killed', signal: 11 }],
  [0x147f, { state: 'stopped', signal: 20 }],
])('the wait status %i', (status, state) => {
  expect(readStatus(status)).toEqual(state)
})

const status = (state: string, own: string, shared: string) =>
  `Name:\tsh\nState:\t${state}\nSigPnd:\t${own}\nShdPnd:\t${shared}\n`
const nothing = '0000000000000000'

test.each([
  ['waits', status('S (sleeping)', nothing, nothing), false],
  ['is about to be killed', status('R (running)', '0000000000000100', nothing), true],
  ['has a signal pending', status('T (stopped)', nothing, '0000000000000002'), true],
  ['has ended', status('Z (zombie)', nothing, nothing), true],
  ['cannot be asked', '', false],
])('a keeper that %s', (_, text, hit) => {
  expect(isHit(text)).toBe(hit)
})

test('signals are ours alone while we hold them, and theirs again afterwards', async () => {
  const told: string[] = []
  const theirs = () => void told.push('theirs')
  process.on('SIGUSR2', theirs)
  const send = async () => {
    const arrived = new Promise<void>((resolve) => process.once('SIGUSR2', () => resolve()))
    process.kill(process.pid, 'SIGUSR2')
    await arrived
  }
  const giveBack = takeSignals(['SIGUSR2', 'SIGALRM'], (signal) => void told.push(signal))
  await send()
  giveBack()
  await send()
  expect(told).toEqual(['SIGUSR2', 'theirs'])
  expect(process.listeners('SIGUSR2')).toEqual([theirs])
  expect(process.listeners('SIGALRM')).toEqual([])
  process.off('SIGUSR2', theirs)
})
