import { existsSync, readFileSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { findCommand } from '../../effects/find-command.ts'
import type { Call } from '../framework.ts'

/** How the Python of a call is started: the program, and the words in front of its own arguments. */
export type Interpreter = { readonly program: string; readonly before: readonly string[] }

/**
 * The Python that a call runs on: the one it names; that of the tool that runs it (`poetry run`); the interpreter of the
 * script's first line, as the kernel reads it; else the virtual environment around it, else `python3`.
 */
export function interpreterOf(call: Call): Interpreter {
  return named(call) ?? byScript(call) ?? byTool(call) ?? { program: inFolders(call) ?? 'python3', before: [] }
}

function named(call: Call): Interpreter | undefined {
  for (const words of [...call.via].reverse().map((line) => line.split(' '))) {
    const python = words.find((word) => /^python[\d.]*$/.test(basename(word)))
    if (python === undefined || words[0] !== python) continue
    return behindTool(call) && !python.includes('/') ? byTool(call) : { program: located(python, call), before: [] }
  }
  return undefined
}

function located(program: string, call: Call): string {
  return program.includes('/') ? resolve(call.cwd, program) : program
}

const tools = /^(poetry|uv|pipenv|pdm|rye|hatch)$/

function behindTool(call: Call): string | undefined {
  return call.via.map((line) => line.split(' ')[0] ?? '').find((word) => tools.test(basename(word)))
}

// uv would set up the environment first; the others start what is there.
function byTool(call: Call): Interpreter | undefined {
  const tool = behindTool(call)
  if (tool === undefined) return undefined
  const around = inFolders(call)
  if (around !== undefined) return { program: around, before: [] }
  const quiet = basename(tool) === 'uv' ? ['--no-sync', '--offline'] : []
  return { program: tool, before: ['run', ...quiet, 'python'] }
}

function byScript(call: Call): Interpreter | undefined {
  if (behindTool(call) !== undefined) return undefined
  const found = findCommand(call.words, call.environment, call.cwd)
  if (!('path' in found)) return undefined
  const [program = '', first] = firstLine(resolve(call.cwd, found.path)).split(/\s+/)
  const python = basename(program) === 'env' ? first : program
  return python === undefined || !/^python[\d.]*$/.test(basename(python)) ? undefined : { program: python, before: [] }
}

function firstLine(path: string): string {
  try {
    return /^#!\s*(.*)/.exec(readFileSync(path, 'utf8').slice(0, 300))?.[1] ?? ''
  } catch {
    return ''
  }
}

function inFolders(call: Call): string | undefined {
  const active = call.environment['VIRTUAL_ENV']
  const around = ancestors(call.cwd).flatMap((folder) => [join(folder, '.venv'), join(folder, 'venv')])
  const folders = active === undefined || active === '' ? around : [active, ...around]
  return folders.map((folder) => join(folder, 'bin', 'python')).find((path) => existsSync(path))
}

/** A folder and those above it. */
export function ancestors(folder: string): readonly string[] {
  const above = dirname(folder)
  return above === folder ? [folder] : [folder, ...ancestors(above)]
}
