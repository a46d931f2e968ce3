import { readFileSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { openTerminal } from '../terminal.ts'
import { compileWrapper, countSignals, fixture, gone } from './wrapper.ts'

const wrapper = compileWrapper()

const wrap = (...command: string[]) => openTerminal([wrapper.path, ...command])

/** An interactive shell, whose prompt is `>`. */
async function openShell() {
  const shell = openTerminal(['bash', '--norc', '--noprofile', '-i'], {
    cwd: wrapper.folder,
    env: { ...process.env, PS1: '> ', HISTFILE: '' },
  })
  await shell.waitFor('> ')
  return { ...shell, type: (line: string) => shell.write(`${line}\r`) }
}

// The wrapper and what it wraps speak in any order.
const readiness = /ready \d+[\s\S]*\[runs\]|\[runs\][\s\S]*ready \d+/

const pidOf = (text: string) => Number(/ready (\d+)/.exec(text)?.[1])
const wrapperPidOf = (text: string) => Number(/\[starts (\d+)\]/.exec(text)?.[1])

describe('the terminal is the command’s', () => {
  test('three times, with its size and its changes, and what is typed', async () => {
    const terminal = wrap(fixture('describe-terminal.sh'))
    await terminal.waitFor('terminal terminal terminal size 30 100')
    terminal.resize(120, 40)
    await terminal.waitFor('size 40 120')
    terminal.write('héllo\r')
    await terminal.waitFor('typed héllo')
    expect(await terminal.exit).toEqual({ code: 0, signal: null })
  })

  test('a full-screen program draws and reads keys, to the byte', async () => {
    const terminal = wrap(fixture('full-screen.sh'))
    await terminal.waitFor('press')
    terminal.write('\x03')
    await terminal.waitFor('key 3')
    expect(terminal.raw()).toContain('\x1b[?1049h\x1b[31mpress\x1b[0m')
    expect(terminal.raw()).toContain('\x1b[?1049l')
    expect(await terminal.exit).toEqual({ code: 0, signal: null })
  })

  test('what is typed before the command reads is kept for it', async () => {
    const terminal = wrap('sh', '-c', 'sleep 0.5; read -r line; echo "read $line"')
    terminal.write('early\r')
    await terminal.waitFor('read early')
  })
})

describe('Ctrl-C', () => {
  test('reaches the command once, and we wait while it cleans up', async () => {
    const terminal = wrap(fixture('clean-up.sh'))
    await terminal.waitFor(readiness)
    terminal.write('\x03')
    await terminal.waitFor('cleaned after 1')
    expect(await terminal.exit).toEqual({ code: 3, signal: null })
  })

  test('twice while it cleans up reaches it twice', async () => {
    const terminal = wrap(fixture('clean-up.sh'))
    await terminal.waitFor(readiness)
    terminal.write('\x03')
    await terminal.waitFor('cleaning')
    terminal.write('\x03')
    await terminal.waitFor('cleaned after 2')
    expect(await terminal.exit).toEqual({ code: 3, signal: null })
  })

  test('ends what does not catch it, with its signal', async () => {
    const terminal = wrap(fixture('never-end.sh'))
    await terminal.waitFor(readiness)
    terminal.write('\x03')
    await terminal.waitFor('"SIGINT","number":2}]')
    expect(await terminal.exit).toEqual({ code: 130, signal: null })
  })

  test('and Ctrl-\\ too', async () => {
    const terminal = wrap('sh', '-c', `ulimit -c 0; exec '${fixture('never-end.sh')}'`)
    await terminal.waitFor(readiness)
    terminal.write('\x1c')
    await terminal.waitFor('"SIGQUIT","number":3}]')
    expect(await terminal.exit).toEqual({ code: 131, signal: null })
  })

  test('of `kill`, to us alone, reaches the command once', async () => {
    const terminal = wrap(countSignals)
    const pid = wrapperPidOf(await terminal.waitFor(readiness))
    process.kill(pid, 'SIGINT')
    await terminal.waitFor('got INT')
    process.kill(pid, 'SIGUSR1')
    await terminal.waitFor('saw: INT\n')
    expect(await terminal.exit).toEqual({ code: 7, signal: null })
  })

  test('from npm: npm, a shell, the wrapper, the command', async () => {
    const cwd = join(wrapper.folder, 'package')
    await mkdir(cwd, { recursive: true })
    const scripts = { test: `'${wrapper.path}' '${fixture('clean-up.sh')}' cleaned` }
    await writeFile(join(cwd, 'package.json'), JSON.stringify({ scripts }))
    const terminal = openTerminal(['npm', 'test', '--no-update-notifier'], { cwd })
    const pid = pidOf(await terminal.waitFor(readiness))
    terminal.write('\x03')
    await terminal.waitFor('cleaned after 1')
    await terminal.exit
    await gone(pid)
    expect(readFileSync(join(cwd, 'cleaned'), 'utf8')).toBe('cleaned after 1\n')
  })
})

describe('a hang-up', () => {
  // From the shell to its job, and as the shell ends from the kernel, with and without us: twice, or as one.
  test('reaches the command as without us, and we wait', async () => {
    const shell = await openShell()
    shell.type(`'${wrapper.path}' '${countSignals}' seen`)
    const text = await shell.waitFor(readiness)
    shell.kill('SIGHUP')
    await shell.exit
    process.kill(pidOf(text), 'SIGUSR1')
    await gone(wrapperPidOf(text))
    expect(readFileSync(join(wrapper.folder, 'seen'), 'utf8')).toMatch(/^saw:( HUP){1,2}\n$/)
  })
})

describe('job control', () => {
  test('Ctrl-Z stops the command and us, `fg` continues both, the code is kept', async () => {
    const shell = await openShell()
    shell.type(`'${wrapper.path}' '${fixture('clean-up.sh')}'`)
    await shell.waitFor(readiness)
    shell.write('\x1a')
    await shell.waitFor('Stopped')
    shell.type('fg')
    await shell.waitFor('continued')
    shell.write('\x03')
    await shell.waitFor('cleaned after 1')
    shell.type('echo "code $?"')
    await shell.waitFor('code 3')
  })

  test('`bg` lets it run on, `wait` tells its code', async () => {
    const shell = await openShell()
    shell.type(`'${wrapper.path}' sh -c 'echo be""gun; sleep 1; exit 9'`)
    await shell.waitFor('begun')
    shell.write('\x1a')
    await shell.waitFor('Stopped')
    shell.type('bg; wait %1; echo "code $?"')
    await shell.waitFor('code 9')
  })

  test('a program that suspends itself is a stopped job', async () => {
    const shell = await openShell()
    shell.type(`'${wrapper.path}' '${fixture('suspend-itself.sh')}'`)
    await shell.waitFor('Stopped')
    shell.type('fg; echo "code $?"')
    await shell.waitFor('resumed')
    await shell.waitFor('code 4')
  })

  test('the terminal’s modes are the shell’s after a stop and after the end', async () => {
    const shell = await openShell()
    shell.type('stty -a >before')
    shell.type(`'${wrapper.path}' sh -c 'stty raw -echo; kill -TSTP $$; stty sane; exit 5'`)
    await shell.waitFor('Stopped')
    shell.type('echo typed')
    await shell.waitFor('typed\ntyped')
    shell.type('fg; echo "code $?"; stty -a >after; echo over')
    await shell.waitFor('code 5')
    await shell.waitFor('over\n')
    const modes = (name: string) => readFileSync(join(wrapper.folder, name), 'utf8')
    expect(modes('after')).toBe(modes('before'))
  })
})
