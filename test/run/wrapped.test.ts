import { closeSync, openSync, readFileSync, writeFileSync } from 'node:fs'
import { chmod, copyFile, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { asShellScript, wrapperExitCode } from '../../src/run/wrapped.ts'
import { commandsInGroup, compileWrapper, countSignals, fixture, gone, run } from './wrapper.ts'

const wrapper = compileWrapper()

/** Runs a shell script twice, `"$@"` in it being the command alone and the command behind the wrapper. */
async function directAndWrapped(script: string, command: readonly string[], input?: string) {
  const outputs = [[], [wrapper.path]].map(async (before) => {
    const cwd = wrapper.folder
    const started = run(['/bin/sh', '-c', script, 'sh', ...before, ...command], { cwd, ...(input && { input }) })
    return { code: await started.code, output: started.output(), errors: started.errors() }
  })
  const [direct, wrapped] = await Promise.all(outputs)
  if (!direct || !wrapped) throw new Error('unreachable')
  return { direct, wrapped }
}

// The C library's posix_spawn leaves its own two signals (32, 33) ignored in every program that it starts.
const withoutLibrarySignals = (mask: string) => (BigInt(`0x${mask}`) & ~0x180000000n).toString(16)

const comparable = (report: string) =>
  report
    .replace(/(?<=SigIgn:\t)\w+/, withoutLibrarySignals)
    .split('\n')
    .filter((line) => !/ [012] -> |report-itself\.sh$/.test(line))
    .map((line) => line.replace(/^[lrwx-]+ .* (?=\d+ -> )/, '').replace(/(?<=-> (socket|pipe):)\[\d+\]/, ''))
    .join('\n')

describe('the command sees what it sees without us', () => {
  test.each([
    ['nothing special', 'exec "$@"'],
    [
      'bytes that are no UTF-8, empty words, line breaks',
      `exec "$@" "$(printf '\\377\\376')" '' 'a\nb' 'é' "$(printf 'caf\\351')" -- --keep=3 ''`,
    ],
    [
      'environment values of any bytes and names of any kind',
      `export X="$(printf '\\351\\n=')"; exec env 'a-b.c=1' 'BUN_X=1' 'SHLVL=7' 'NODE_X=' "$@"`,
    ],
    ['an empty environment', 'exec env -i "$@"'],
    ['open descriptors', 'exec 3</etc/passwd 7>/dev/null 5</dev/null 9<>"$PWD/both"; exec "$@" 5<&-'],
    ['ignored signals', `trap '' HUP INT QUIT TERM USR1 USR2 ALRM TSTP; exec "$@"`],
    ['a umask, a niceness, other limits', 'umask 037; ulimit -Sn 123; ulimit -c 0; nice -n 5 "$@"; exit $?'],
    ['a limit of open files, soft and hard', 'ulimit -n 200; exec "$@"'],
    ['a closed stdin', 'exec "$@" <&-'],
    ['streams that are pipes', '{ "$@" 2>&1 >&3 | cat >&2; } 3>&1'],
  ])('%s', async (_, script) => {
    const { direct, wrapped } = await directAndWrapped(script, [fixture('report-itself.sh')])
    expect(comparable(wrapped.output)).toBe(comparable(direct.output))
    expect(wrapped.code).toBe(direct.code)
    expect(direct.output).toContain('report-itself')
  })

  test('its own process group, session and parent', async () => {
    const started = run([wrapper.path, '/bin/sh', '-c', 'cut -d" " -f4-6 /proc/$$/stat'])
    expect(await started.code).toBe(0)
    expect(started.output()).toBe(`${started.pid} ${started.pid} ${started.pid}\n`)
  })

  test('its name as it was typed', async () => {
    await copyFile('/bin/sh', join(wrapper.folder, 'typed-name'))
    const script = 'PATH=$PWD:$PATH; exec "$@" -c "tr \'\\\\0\' \' \' </proc/\\$\\$/cmdline"'
    const { direct, wrapped } = await directAndWrapped(script, ['typed-name'])
    expect(wrapped.output).toMatch(/^typed-name -c/)
    expect(wrapped.output).toBe(direct.output)
  })

  test('a hundred thousand arguments', async () => {
    const script = 'exec "$@" $(seq 100000)'
    const { direct, wrapped } = await directAndWrapped(script, ['sh', '-c', 'echo $#; cksum </proc/$$/cmdline'])
    expect(direct.output).toMatch(/^99999\n/)
    expect(wrapped.output).toBe(direct.output)
  })

  test('a script without a first line is the shell’s', async () => {
    const started = run([wrapper.path, fixture('without-shebang.sh'), 'word'])
    expect(await started.code).toBe(0)
    expect(started.output()).toBe('run by a shell: word\n')
  })

  test('a hostile .env and bunfig.toml in the working directory', async () => {
    const cwd = join(wrapper.folder, 'hostile')
    await mkdir(cwd, { recursive: true })
    await writeFile(join(cwd, '.env'), 'PATH=/nowhere\nLD_PRELOAD=/nowhere.so\nBUN_BE_BUN=1\nHOSTILE=1\n')
    await writeFile(join(cwd, 'bunfig.toml'), 'preload = ["./hostile.ts"]\n')
    await writeFile(join(cwd, 'hostile.ts'), 'process.exit(9)\n')
    const started = run([wrapper.path, 'sh', '-c', 'echo "${HOSTILE-none} ${LD_PRELOAD-none}"'], { cwd })
    expect(await started.code).toBe(0)
    expect(started.output()).toBe('none none\n')
  })
})

describe('streams', () => {
  test('the command gets every byte of stdin, and its end', async () => {
    const input = Array.from({ length: 50_000 }, (_, line) => `line ${line}`).join('\n')
    const started = run([wrapper.path, 'cat'], { input })
    expect(await started.code).toBe(0)
    expect(started.output()).toBe(input)
  })

  test('what the command leaves of stdin is the next one’s', async () => {
    const script = `printf 'one\\ntwo\\n' | { '${wrapper.path}' sh -c 'read -r line; echo "got $line"'; cat; }`
    const started = run(['sh', '-c', script])
    await started.code
    expect(started.output()).toBe('got one\ntwo\n')
  })

  test('megabytes through a slow pipe arrive whole', async () => {
    const script = `'${wrapper.path}' sh -c 'head -c 3000000 /dev/zero && head -c 3000000 /dev/zero >&2' 2>&1 | (sleep 1; wc -c)`
    const started = run(['sh', '-c', script])
    await started.code
    expect(Number(started.output())).toBeGreaterThan(6_000_000)
    expect(started.errors()).toBe('')
  })

  test('a reader that goes away ends the command by SIGPIPE', async () => {
    const script = `{ '${wrapper.path}' yes 2>errors; echo $? >code; } | head -1`
    const started = run(['sh', '-c', script], { cwd: wrapper.folder })
    await started.code
    expect(readFileSync(join(wrapper.folder, 'code'), 'utf8')).toBe('141\n')
  })
})

describe('how it ends', () => {
  test.each([0, 1, 2, 125, 126, 127, 128, 130, 255])('code %i', async (code) => {
    expect(await run([wrapper.path, 'sh', '-c', `exit ${code}`]).code).toBe(code)
  })

  test.each([
    ['HUP', 129],
    ['INT', 130],
    ['KILL', 137],
    ['SEGV', 139],
    ['TERM', 143],
    ['RTMIN', 162],
  ])('signal %s', async (signal, code) => {
    const started = run([wrapper.path, 'bash', '-c', `ulimit -c 0; kill -${signal} $$`])
    expect(await started.code).toBe(code)
    expect(started.errors()).toContain(`"number":${code - 128}}`)
  })

  test.each(['exit 3', 'sleep 0.3; exit 3'])('code of `%s` where SIGCHLD is ignored', async (script) => {
    expect(await run(['bash', '-c', `trap '' CHLD; exec '${wrapper.path}' sh -c '${script}'`]).code).toBe(3)
  })

  test('not found, and not executable', async () => {
    expect(await run([wrapper.path, 'no-such-command']).code).toBe(127)
    expect(await run([wrapper.path, './no-such-command']).code).toBe(127)
    expect(await run([wrapper.path, '/']).code).toBe(126)
  })

  test('found, and yet the kernel refuses it', async () => {
    const busy = join(wrapper.folder, 'busy')
    writeFileSync(busy, readFileSync('/bin/true'))
    await chmod(busy, 0o755)
    const descriptor = openSync(busy, 'r+')
    const started = run([wrapper.path, busy])
    expect(await started.code).toBe(126)
    expect(started.errors()).toContain('cannot be executed (ETXTBSY)')
    closeSync(descriptor)
  })

  test('the exit code of each outcome', () => {
    const about = { startedAt: new Date(0), seconds: 0 }
    expect(wrapperExitCode({ ...about, exit: { code: 0 } })).toBe(0)
    expect(wrapperExitCode({ ...about, exit: { signal: 'SIGTERM', number: 15 } })).toBe(143)
    expect(wrapperExitCode({ ...about, exit: { failedToStart: 'why', code: 126 } })).toBe(126)
  })

  test('the words of a script for the shell', () => {
    const words = ['typed', 'one', ''].map((word) => Buffer.from(word))
    expect(asShellScript('/folder/script', words).map(String)).toEqual(['/bin/sh', '/folder/script', 'one', ''])
  })
})

describe('signals', () => {
  // A second delivery would come before the SIGUSR1 that ends the count: both wait for the same time.
  const count = async (send: (started: ReturnType<typeof run>) => void) => {
    const started = run([wrapper.path, countSignals])
    await started.ready()
    send(started)
    await started.printed('got')
    started.kill('SIGUSR1')
    expect(await started.code).toBe(7)
    return started.output().split('saw:')[1]
  }

  test.each(['INT', 'QUIT', 'TERM', 'HUP', 'USR2', 'ALRM'])(
    'SIG%s to us alone reaches the command once',
    async (name) => {
      expect(await count((started) => started.kill(`SIG${name}` as NodeJS.Signals))).toBe(` ${name}\n`)
    },
  )

  test.each(['INT', 'QUIT', 'TERM', 'HUP', 'USR2', 'ALRM'])('SIG%s to the whole group is not doubled', async (name) => {
    expect(await count((started) => started.killGroup(`SIG${name}` as NodeJS.Signals))).toBe(` ${name}\n`)
  })

  test('one after the other', async () => {
    const started = run([wrapper.path, countSignals])
    await started.ready()
    started.killGroup('SIGINT')
    await started.printed('got INT')
    started.kill('SIGTERM')
    await started.printed('got TERM')
    started.killGroup('SIGTERM')
    await started.printed(/got TERM[\s\S]*got TERM/)
    started.kill('SIGUSR1')
    expect(await started.code).toBe(7)
    expect(started.output()).toContain('saw: INT TERM TERM\n')
  })

  test('one that ends the command ends us the same', async () => {
    const started = run([wrapper.path, fixture('never-end.sh')])
    await started.ready()
    started.kill('SIGTERM')
    expect(await started.code).toBe(143)
  })

  test('one that is ignored, as under nohup, is ignored in the command and in us', async () => {
    const started = run(['sh', '-c', `trap '' HUP; exec '${wrapper.path}' '${fixture('never-end.sh')}'`])
    await started.ready()
    started.killGroup('SIGHUP')
    started.kill('SIGTERM')
    expect(await started.code).toBe(143)
  })

  test('one that comes as the command starts is neither lost nor does it leave an orphan', async () => {
    for (let round = 0; round < 10; round++) {
      const started = run([wrapper.path, fixture('never-end.sh')])
      while (!started.errors().includes('starts')) await Bun.sleep(0)
      started.kill('SIGTERM')
      expect([143, 'SIGTERM']).toContain(await started.code)
      while ((await commandsInGroup(started.pid)).length > 0) await Bun.sleep(20)
    }
  })

  test('our own end by SIGKILL ends the command', async () => {
    const started = run([wrapper.path, countSignals])
    const pid = await started.ready()
    started.kill('SIGKILL')
    await started.printed('got TERM')
    process.kill(pid, 'SIGUSR1')
    expect(await started.code).toBe('SIGKILL')
  })

  test('also one that does not end by SIGTERM', async () => {
    const started = run([wrapper.path, 'sh', '-c', `trap '' TERM; exec '${fixture('never-end.sh')}'`])
    const pid = await started.ready()
    started.kill('SIGKILL')
    await gone(pid)
  })

  test('leaves nothing behind', async () => {
    const started = run([wrapper.path, 'sh', '-c', 'sleep 0.2; exit 3'])
    expect(await started.code).toBe(3)
    expect(await commandsInGroup(started.pid)).toEqual([])
  })
})
