import { existsSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import type { Call } from '../framework.ts'
import { rakeFolder } from './scope.ts'

/** The application's folder: that of `bin/rails`, else the nearest upwards with one; an engine's is its dummy. */
export function rootOf(call: Call): string | undefined {
  const [program = '', ...args] = call.words
  const script = resolve(call.cwd, program)
  const own = dirname(dirname(script))
  if (program.includes('/') && basename(dirname(script)) === 'bin' && isApplication(own)) return own
  const folder = /^rake$/.test(basename(program)) ? (rakeFolder(args) ?? '.') : '.'
  for (let at = resolve(call.cwd, folder); ; at = dirname(at)) {
    const found = [at, join(at, 'test/dummy'), join(at, 'spec/dummy')].find(isApplication)
    if (found !== undefined) return found
    if (at === dirname(at)) return undefined
  }
}

function isApplication(folder: string): boolean {
  return ['config/application.rb', 'config/environment.rb'].some((file) => existsSync(join(folder, file)))
}
