import type { Environment } from '../effects/io.ts'
import { layered } from '../environment/env-chains.ts'
import { environmentLabel, readEnvFile, type Values } from '../environment/env-file.ts'
import type { Call } from './framework.ts'

/** What a program finds in its environment, each value with the place that it comes from. */
export type Loaded = {
  readonly values: Values
  readonly environment: Environment
  /** The env files that were there, as labels. */
  readonly files: readonly string[]
}

/** The environment of a call over the env files that its line loads (earlier files win), and over further files of a folder. */
export async function loadedEnvironment(
  call: Call,
  further: readonly string[] = [],
  folder: string = call.cwd,
): Promise<Loaded> {
  const own = await Promise.all(call.envFiles.map((file) => readEnvFile(call.cwd, file, call.environment)))
  const others = await Promise.all(further.map((file) => readEnvFile(folder, file, call.environment)))
  const read = [...own, ...others].filter((file) => file.state === 'read')
  const outer: Values = new Map(
    Object.entries(call.environment).flatMap(([key, value]) =>
      value === undefined ? [] : [[key, { value, label: environmentLabel }]],
    ),
  )
  const values = layered([...read.map((file) => file.values).reverse(), outer])
  const environment = Object.fromEntries([...values].map(([key, { value }]) => [key, value]))
  return { values, environment, files: read.map((file) => file.label) }
}
