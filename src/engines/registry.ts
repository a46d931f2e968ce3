import type { EngineName } from '../target/target.ts'
import type { Engine } from './engine.ts'

const loaders: Readonly<Record<EngineName, () => Promise<Engine>>> = {
  postgres: async () => (await import('./postgres/engine.ts')).postgres,
  mysql: async () => (await import('./mysql/engine.ts')).mysql,
  sqlite: async () => (await import('./sqlite/engine.ts')).sqlite,
}

/** The engine of a target, loaded with its driver only when it is needed. */
export function loadEngine(name: EngineName): Promise<Engine> {
  return loaders[name]()
}
