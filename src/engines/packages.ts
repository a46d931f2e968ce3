import { readFileSync } from 'node:fs'

/** Systems that name their packages each in its own way. */
type System = 'debian' | 'ubuntu' | 'redhat' | 'suse' | 'alpine' | 'arch' | 'homebrew' | 'windows'

/** What installs a client on each system; `otherwise` where the system is none of them. */
export type Packages = Readonly<Record<System | 'otherwise', string>>

/** The one line of them for this machine. */
export function installStep(packages: Packages, system = systemOf(process.platform, osRelease())): string {
  return packages[system ?? 'otherwise']
}

// The first that fits: Ubuntu says that it is like Debian, too.
const families: readonly (readonly [System, RegExp])[] = [
  ['alpine', /\balpine\b/],
  ['ubuntu', /\bubuntu\b/],
  ['debian', /\bdebian\b/],
  ['redhat', /\b(?:rhel|fedora|centos|amzn)\b/],
  ['suse', /suse/],
  ['arch', /\barch\b/],
]

/** The system by `process.platform` and the text of /etc/os-release (os-release(5): ID, ID_LIKE). */
export function systemOf(platform: string, release: string): System | undefined {
  if (platform === 'darwin') return 'homebrew'
  if (platform === 'win32') return 'windows'
  const ids = [...release.matchAll(/^ID(?:_LIKE)?=(.*)$/gm)].map((match) => match[1]).join(' ')
  return families.find(([, names]) => names.test(ids))?.[0]
}

function osRelease(): string {
  try {
    return readFileSync('/etc/os-release', 'utf8')
  } catch {
    return ''
  }
}
