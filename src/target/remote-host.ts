import { BlockList, isIP } from 'node:net'
import type { Machine } from '../effects/this-machine.ts'

/** Addresses that lead nowhere beyond a machine or a network of one's own (RFC 1918, 3927, 4193, 6598, 5737, 3849). */
const ownRanges: readonly (readonly [address: string, bits: number])[] = [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.2.0', 24],
  ['192.168.0.0', 16],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['::', 127],
  ['fc00::', 7],
  ['fe80::', 10],
  ['2001:db8::', 32],
]

/** Names that no public name server knows (RFC 2606, 6761, 6762, 8375, and what networks use); Tailscale's; `127.1`. */
const ownNames =
  /(?:^|\.)(?:local|localhost|localdomain|test|example|invalid|internal|intranet|private|lan|home|corp|arpa|svc|flycast|ts\.net|\d+)$/

/**
 * Whether a host is another machine on the internet. On the branch `main`, a database in a container (`db`, `postgres`), on
 * this machine or in the office's network is everyday work; one on the internet is where production stands.
 */
export function isRemoteHost(host: string, { names }: Pick<Machine, 'names'>): boolean {
  const name = host.toLowerCase().replace(/\.$/, '').replace(/%.*$/, '')
  if (name === '' || names.has(name)) return false
  const family = isIP(name)
  if (family !== 0) return !ownAddresses().check(name, family === 6 ? 'ipv6' : 'ipv4')
  return name.includes('.') && !ownNames.test(name)
}

/** Whether a host is a name of this machine for itself. */
export function isLoopback(host: string): boolean {
  return /^(?:localhost|127\.\d+\.\d+\.\d+|::1)$/.test(host.toLowerCase())
}

function ownAddresses(): BlockList {
  const list = new BlockList()
  for (const [address, bits] of ownRanges) list.addSubnet(address, bits, isIP(address) === 6 ? 'ipv6' : 'ipv4')
  return list
}
