import { exitCode, Failure } from '../../failure.ts'
import { shellWords } from '../../shell-words.ts'
import type { FileTarget, Target } from '../../target/target.ts'
import type { Engine } from '../engine.ts'
import { connect } from './connect.ts'
import { cloneFile, instantCopies } from './instant.ts'
import { cardOf } from './instant-files.ts'
import { rehearse } from './rehearse.ts'
import { restore } from './restore.ts'
import { scan } from './scan.ts'

const instant = instantCopies(cloneFile)

/** SQLite through `bun:sqlite`: no client tool is needed. */
export const sqlite: Engine = {
  name: 'sqlite',
  extension: 'sqlite',
  connect: (io, target) => connect(io, fileOf(target)),
  scan,
  restore: (io, request) => restore(io, fileOf(request.target), request),
  instant: {
    copy: (io, target, backup) => instant.copy(io, fileOf(target), backup),
    list: (_, target) => instant.list(fileOf(target)),
    connected: (_, target) => instant.connected(fileOf(target)),
    swapIn: (io, target, copy, beforeSwap) => instant.swapIn(io, fileOf(target), copy, beforeSwap),
    remove: (io, target, copy) => instant.remove(io, fileOf(target), copy),
    dropCommand: ({ name }) => `rm ${shellWords([name, cardOf(name)])}`,
  },
  rehearse: (io, request) => rehearse(io, fileOf(request.target), request),
}

function fileOf(target: Target): FileTarget {
  if (target.engine === 'sqlite') return target
  throw new Failure(exitCode.unexpected, { what: `a ${target.engine} target was given to the SQLite engine` })
}
