import { BlockList, isIP } from 'node:net'
import { hostname, networkInterfaces } from 'node:os'

export type Machine = {
  /** Its names and addresses, in lower case. */
  readonly names: ReadonlySet<string>
  /** Whether an address lies in a network that this machine has a foot in: a container behind its bridge does. */
  readonly reaches: (address: string) => boolean
}

export function thisMachine(): Machine {
  const interfaces = Object.values(interfacesIfTold()).flatMap((list) => list ?? [])
  const networks = new BlockList()
  for (const { cidr } of interfaces) addNetwork(networks, cidr)
  return {
    names: new Set([hostname().toLowerCase(), ...interfaces.map(({ address }) => address)]),
    reaches: (address) => isIP(address) !== 0 && networks.check(address, familyOf(address)),
  }
}

// A sandbox may forbid to ask.
function interfacesIfTold(): ReturnType<typeof networkInterfaces> {
  try {
    return networkInterfaces()
  } catch {
    return {}
  }
}

function addNetwork(networks: BlockList, cidr: string | null): void {
  const [address = '', bits] = cidr?.split('/') ?? []
  if (bits !== undefined) networks.addSubnet(address, Number(bits), familyOf(address))
}

function familyOf(address: string): 'ipv4' | 'ipv6' {
  return isIP(address) === 6 ? 'ipv6' : 'ipv4'
}
