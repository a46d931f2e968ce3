import { hostname, networkInterfaces } from 'node:os'

/** The names and addresses that this machine has. */
export function thisMachine(): ReadonlySet<string> {
  const addresses = Object.values(networkInterfaces()).flatMap((list) => (list ?? []).map(({ address }) => address))
  return new Set([hostname().toLowerCase(), ...addresses])
}
