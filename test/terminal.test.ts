import { expect, test } from 'vitest'
import { openTerminal } from './terminal.ts'

/** An interactive shell with a prompt that nothing else prints. */
async function openShell() {
  const terminal = openTerminal(['bash', '--norc', '--noprofile', '-i'], { env: { ...process.env, PS1: 'ready> ' } })
  await terminal.waitFor('ready> ')
  return terminal
}

test('all three streams are a terminal of the size that was asked for', async () => {
  const script = '[ -t 0 ] && [ -t 1 ] && [ -t 2 ] && stty size'
  const terminal = openTerminal(['sh', '-c', script], { columns: 123, rows: 45 })
  expect(await terminal.exit).toEqual({ code: 0, signal: null })
  expect(terminal.screen()).toBe('45 123\n')
})

test('a change of the size reaches the foreground as SIGWINCH', async () => {
  const script = 'trap "stty size; exit" WINCH; echo waiting; while :; do sleep 0.05; done'
  const terminal = openTerminal(['sh', '-c', script])
  await terminal.waitFor('waiting')
  terminal.resize(77, 22)
  await terminal.waitFor('22 77')
})

test('colours are in the raw text, not on the screen', async () => {
  const terminal = openTerminal(['printf', String.raw`\033[31mred\033[0m plain`])
  await terminal.exit
  expect(terminal.raw()).toBe('\x1b[31mred\x1b[0m plain')
  expect(terminal.screen()).toBe('red plain')
})

test('Ctrl-C interrupts the foreground, not the shell', async () => {
  const terminal = await openShell()
  // Said by the foreground itself: before it is there, Ctrl-C would be the shell's.
  terminal.write(`sh -c 'echo going; exec sleep 1000'\r`)
  await terminal.waitFor('\ngoing\n')
  terminal.write('\x03')
  await terminal.waitFor('ready> ')
  terminal.write('echo code=$?\r')
  await terminal.waitFor('\ncode=130\n')
})

test('Ctrl-Z stops the foreground, and fg goes on with it', async () => {
  const terminal = await openShell()
  terminal.write(`sh -c 'echo before; read line; echo "after $line"; exit 7'\r`)
  await terminal.waitFor('\nbefore\n')
  terminal.write('\x1a')
  await terminal.waitFor('Stopped')
  terminal.write('fg\r')
  await terminal.waitFor('fg\nsh -c')
  terminal.write('words\r')
  await terminal.waitFor('after words')
  terminal.write('exit $?\r')
  expect(await terminal.exit).toEqual({ code: 7, signal: null })
})

test('a signal that ended the command is kept', async () => {
  const terminal = openTerminal(['sleep', '1000'])
  terminal.kill('SIGTERM')
  expect(await terminal.exit).toEqual({ code: null, signal: 'SIGTERM' })
})

test('all of a long output arrives', async () => {
  const terminal = openTerminal(['seq', '200000'])
  await terminal.exit
  expect(terminal.screen()).toHaveLength(1_288_895)
})

test('what never appears is an error that shows the screen', async () => {
  const ends = openTerminal(['echo', 'something else'])
  await expect(ends.waitFor('wanted')).rejects.toThrow(
    /wanted did not appear before the command ended.*something else/s,
  )
  const hangs = openTerminal(['sleep', '1000'])
  await expect(hangs.waitFor(/wanted/, 50)).rejects.toThrow('/wanted/ did not appear within 50 ms')
})
